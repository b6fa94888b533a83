import unittest

from rooms import Calendar, Conflict, Slot

NINE, TEN, ELEVEN, NOON = (hour * 60 for hour in (9, 10, 11, 12))


class SlotTest(unittest.TestCase):
    def test_length(self):
        self.assertEqual(Slot(NINE, TEN).minutes, 60)

    def test_a_slot_ends_after_it_starts(self):
        with self.assertRaises(ValueError):
            Slot(TEN, TEN)

    def test_shares_all_of_a_longer_slot(self):
        self.assertEqual(Slot(TEN, ELEVEN).shared_minutes(Slot(NINE, NOON)), 60)

    def test_shares_the_middle_with_a_shorter_slot(self):
        self.assertEqual(Slot(NINE, NOON).shared_minutes(Slot(TEN, ELEVEN)), 60)
        self.assertEqual(Slot(NINE, NOON).shared_minutes(Slot(TEN, TEN + 15)), 15)

    def test_shares_the_beginning_with_a_later_slot(self):
        self.assertEqual(Slot(NINE, ELEVEN).shared_minutes(Slot(TEN, NOON)), 60)

    def test_apart_shares_nothing(self):
        self.assertEqual(Slot(NINE, TEN).shared_minutes(Slot(ELEVEN, NOON)), 0)


class CalendarTest(unittest.TestCase):
    def setUp(self):
        self.calendar = Calendar()
        self.calendar.book(Slot(TEN, ELEVEN))

    def test_a_taken_room_is_refused(self):
        with self.assertRaises(Conflict) as caught:
            self.calendar.book(Slot(TEN + 30, NOON))
        self.assertEqual(caught.exception.taken, Slot(TEN, ELEVEN))

    def test_back_to_back_bookings_fit(self):
        self.calendar.book(Slot(NINE, TEN))
        self.calendar.book(Slot(ELEVEN, NOON))
        self.assertEqual([slot.start for slot in self.calendar.booked()], [NINE, TEN, ELEVEN])

    def test_occupied_minutes_count_only_the_stretch_asked_for(self):
        self.calendar.book(Slot(ELEVEN, NOON))
        self.assertEqual(self.calendar.occupied_minutes(Slot(TEN + 30, ELEVEN + 20)), 50)


if __name__ == "__main__":
    unittest.main()
