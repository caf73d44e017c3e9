package console

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Kept is a source whose answers are kept for everybody who looks, each as long
// as it can hardly change: the page asks every second, and whatever stands behind
// a deployed stack is paid by the question.
type Kept struct {
	// Status says what happens now, History what happened in the minutes since a
	// time.
	Status  func(ctx context.Context) (Snapshot, error)
	History func(ctx context.Context, since time.Time) (Series, error)
	Now     func() time.Time

	mu       sync.Mutex
	snapshot kept[Snapshot]
	minutes  kept[Series]
}

// kept is an answer and when it was given.
type kept[T any] struct {
	at    time.Time
	value T
	err   error
}

// How long an answer is kept: what the operator wants and the gate change by a
// hand, metrics by the minute.
const (
	statusFor  = 5 * time.Second
	historyFor = 30 * time.Second
	// shown is how far back the charts go, patience how long an answer may take.
	shown    = 24 * time.Hour
	patience = 30 * time.Second
)

// answer asks when the answer is too old. Whoever asked first may have closed the
// page by now: the answer is for everybody.
func (k *kept[T]) answer(ctx context.Context, now time.Time, keep time.Duration, ask func(context.Context) (T, error)) (T, error) {
	if now.Sub(k.at) >= keep {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		k.value, k.err = ask(ctx)
		k.at = now
	}
	return k.value, k.err
}

// Snapshot says what happens now.
func (k *Kept) Snapshot(ctx context.Context) (Snapshot, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.snapshot.answer(ctx, k.Now(), statusFor, k.Status)
}

// Series gives the minutes after the given time.
func (k *Kept) Series(ctx context.Context, after time.Time) (Series, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.Now()
	s, err := k.minutes.answer(ctx, now, historyFor, func(ctx context.Context) (Series, error) { return k.History(ctx, now.Add(-shown)) })
	return s.since(after.Add(-revised)), err
}

// revised is how long a minute may still get a better value: metrics come late.
// The page keeps the last value that it is sent.
const revised = 10 * time.Minute

// since cuts off what came before.
func (s Series) since(t time.Time) Series {
	from, _ := slices.BinarySearch(s.Minutes, t.Unix())
	out := Series{Minutes: s.Minutes[from:]}
	for i, c := range s.columns() {
		if len(*c) >= from {
			*out.columns()[i] = (*c)[from:]
		}
	}
	return out
}

// columns are all the columns of s.
func (s *Series) columns() []*Column {
	return []*Column{&s.Load, &s.Target, &s.Admit, &s.Visitors, &s.Admitted, &s.Joined, &s.Waiting, &s.Invited, &s.Redeemed}
}
