package recent

import (
	"testing"
	"time"
)

// What is an hour old is forgotten, and what the clock's step back left ahead of it
// does not count.
func TestLastHour(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var h Hour
	h.Add(noon, 2)
	h.Add(noon.Add(30*time.Minute), 3)
	for after, want := range map[time.Duration]int{-time.Minute: 0, 0: 2, 59 * time.Minute: 5, 60 * time.Minute: 3, 90 * time.Minute: 0} {
		if got := h.Sum(noon.Add(after)); got != want {
			t.Errorf("after %s: %d, want %d", after, got, want)
		}
	}
	if h.Add(noon.Add(60*time.Minute), 1); h.Sum(noon.Add(60*time.Minute)) != 4 {
		t.Error("a minute of the hour before still counts")
	}
}
