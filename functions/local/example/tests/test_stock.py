import tempfile
import unittest
from pathlib import Path

from inventory.stock import Stock


class StockTest(unittest.TestCase):
    def test_what_was_added_is_counted_and_kept(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "stock.json"
            Stock(path).add("apples", 2)
            self.assertEqual(Stock(path).add("apples", 3), 5)


if __name__ == "__main__":
    unittest.main()
