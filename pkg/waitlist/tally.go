package waitlist

import "time"

// Tally is how many wait. It is counted and not kept by a second write with
// every sign-up (docs/design.md, decision 15): a count reads only keys, a page of the index holds
// some 8,000 of them, and so up to about 250,000 waiting a full recount is one
// request a shard and is done every tick. Beyond one page a shard it goes on
// from a watermark, with a recount every RecountAfter; it is exact right after
// a recount and an estimate between.
//
// It is pure: Plan says what to ask the store, Recount and Advance take the answers in.
type Tally struct {
	// Waiting is how many wait of those who joined before Until.
	Waiting int `json:"waiting"`
	// Until is the watermark: Waiting counts everybody who joined before it.
	Until time.Time `json:"until,omitzero"`
	// Recounted is when all were counted.
	Recounted time.Time `json:"recounted,omitzero"`
	// Paged says that the last recount took more than one page of some shard.
	Paged bool `json:"paged,omitempty"`
}

// RecountAfter bounds how long Waiting may be an estimate. Watermark is how far
// behind now a count stops when it goes on incrementally: the index of DynamoDB
// follows the table by a moment, and what is not yet in it would be missed for
// good.
const (
	RecountAfter = 10 * time.Minute
	Watermark    = 10 * time.Second
)

// Plan says which counts to ask for at now, one for each shard, and whether
// they make a recount.
func (t Tally) Plan(now time.Time, shards int) (queries []Query, recount bool) {
	recount = t.Recounted.IsZero() || !t.Paged || now.Sub(t.Recounted) >= RecountAfter || now.Before(t.Until)
	for s := range shards {
		q := Query{Part: Part{Shard: s}}
		if !recount {
			q.After.When = t.Until
		}
		if t.Paged {
			q.Until = now.Add(-Watermark)
		}
		queries = append(queries, q)
	}
	return queries, recount
}

// Recount is the tally after all shards were counted at now; paged says that
// one of them took more than a page.
func (t Tally) Recount(now time.Time, counted int, paged bool) Tally {
	next := Tally{Waiting: counted, Until: now, Recounted: now, Paged: paged}
	if t.Paged {
		next.Until = now.Add(-Watermark)
	}
	return next
}

// Advance is the tally at now, after an incremental count: newcomers joined since the
// watermark, returned came back to the line and left went out of it since the
// last tally. What a tick claims is taken off with Take.
func (t Tally) Advance(now time.Time, newcomers, returned, left int) Tally {
	t.Waiting = max(0, t.Waiting+newcomers+returned-left)
	t.Until = now.Add(-Watermark)
	return t
}

// Take is the tally after n of the oldest were claimed or buried.
func (t Tally) Take(n int) Tally {
	t.Waiting = max(0, t.Waiting-n)
	return t
}
