package email

import "time"

// Date says a moment in the words of the language: the day, the time, and the
// zone by its short name and its distance from UTC. A nil zone is UTC.
func (l Language) Date(at time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return wordsFor(l.Tag).date(at, zone)
}

// Clock says the time of day alone, for readers who know the day and the zone
// from the context.
func (l Language) Clock(at time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return wordsFor(l.Tag).clock(at, zone)
}
