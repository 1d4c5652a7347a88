"""Finding and rendering the task files of an attempt. Pure but for reading the templates directory."""
