"""Commands and feedback on GitHub: who may ask, which run is meant, what happens, what is replied."""
