import tempfile
import unittest
from pathlib import Path

from inventory.stock import Stock


class RemoveTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "stock.json"
        Stock(self.path).add("apples", 3)

    def test_what_was_removed_is_gone_and_the_rest_is_kept(self) -> None:
        self.assertEqual(Stock(self.path).remove("apples", 2), 1)
        self.assertEqual(Stock(self.path).counts(), {"apples": 1})

    def test_an_item_that_reaches_zero_disappears(self) -> None:
        self.assertEqual(Stock(self.path).remove("apples", 3), 0)
        self.assertEqual(Stock(self.path).counts(), {})

    def test_more_than_there_is_cannot_be_removed(self) -> None:
        with self.assertRaisesRegex(ValueError, "there are only 3 apples"):
            Stock(self.path).remove("apples", 4)
        self.assertEqual(Stock(self.path).counts(), {"apples": 3})


if __name__ == "__main__":
    unittest.main()
