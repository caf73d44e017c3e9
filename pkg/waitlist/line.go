package waitlist

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Part is one partition of the line, the sparse index in which work is found. It
// holds the entries of a shard that wait, ordered by when they joined, or those
// about which something is due, ordered by when. An entry is in one part at most, and in none after its end.
// The line is cut into shards because one partition of DynamoDB takes 1,000
// writes a second, and an unsharded status would throttle the base table.
type Part struct {
	Due   bool
	Shard int
}

// String is the partition's name in a store: "w#7" or "d#7".
func (p Part) String() string {
	if p.Due {
		return "d#" + strconv.Itoa(p.Shard)
	}
	return "w#" + strconv.Itoa(p.Shard)
}

// ShardOf spreads mailboxes over shards; zero shards means the constant Shards.
// The key is a MAC, so any of its bits are even; the name is hashed once more
// (FNV-1a) because a store may hold keys of another make.
func ShardOf(key string, shards int) int {
	if shards <= 0 {
		shards = Shards
	}
	h := uint32(2166136261)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	// FNV's low bits are weak for short inputs; the high half is folded in.
	return int((h ^ h>>16) % uint32(shards))
}

// Mark is a position in a part: after the entry Key that stands at When, or,
// with an empty Key, at the beginning of When. The zero Mark is the head.
type Mark struct {
	When time.Time
	Key  string
}

// Query asks for one page of a part, oldest first: one request to the store.
type Query struct {
	Part
	// After is where the page begins.
	After Mark
	// Until bounds it: only places with When before Until. Zero means unbounded.
	Until time.Time
	// Limit is the most places wanted, at most MaxPage. Count ignores it.
	Limit int
}

// MaxPage is the most places that one Query may ask for. A place is about 130
// bytes in the index and DynamoDB ends a page at 1 MB, so that a page of this
// size is never cut short: fewer places than asked for are the last ones.
const MaxPage = 5000

// Place is what the line shows of an entry: enough to decide what to do, and no
// address.
type Place struct {
	Ref
	Shard int
	// When is Joined in the part of the waiting and Due in the other.
	When    time.Time
	Stage   Stage
	Claim   time.Time
	Attempt int
	Expires time.Time
	// Unreadable marks an item of which a field is missing or of the wrong type.
	// Key, Shard and When are right all the same; it is to be buried.
	Unreadable bool
}

// Mark is the position right after the place.
func (p Place) Mark() Mark { return Mark{When: p.When, Key: p.Key} }

// Fetch answers queries, in their order; a caller with many workers asks them
// side by side.
type Fetch func([]Query) ([][]Place, error)

// Oldest finds the n oldest places of all waiting or due parts by merging the
// heads of the shards. Entries are spread evenly, so that the oldest n are
// nearly even over the shards too: a first round asks each for its even share
// and some standard deviations more, and only a shard whose page ran out before
// the n-th oldest is asked again. The number of requests follows n, never how
// many wait.
func Oldest(n int, due bool, shards int, until time.Time, fetch Fetch) ([]Place, error) {
	if n <= 0 {
		return nil, nil
	}
	share := float64(n) / float64(shards)
	limit := min(MaxPage, n, int(math.Ceil(share+3*math.Sqrt(share)))+1)
	queries := make([]Query, shards)
	for s := range queries {
		queries[s] = Query{Part: Part{Due: due, Shard: s}, Until: until, Limit: limit}
	}
	var found []Place
	for len(queries) > 0 {
		pages, err := fetch(queries)
		if err != nil {
			return nil, err
		}
		for _, page := range pages {
			found = append(found, page...)
		}
		slices.SortFunc(found, func(a, b Place) int {
			if c := a.When.Compare(b.When); c != 0 {
				return c
			}
			return strings.Compare(a.Key, b.Key)
		})
		found = found[:min(n, len(found))]
		var again []Query
		for i, page := range pages {
			if len(page) < queries[i].Limit {
				continue
			}
			// The page was full: there may be older ones behind it than the last found.
			last := page[len(page)-1]
			if len(found) == n && !last.When.Before(found[n-1].When) {
				continue
			}
			// A shard that holds more than its share is asked for more each time.
			q := queries[i]
			q.After, q.Limit = last.Mark(), min(MaxPage, n, 4*q.Limit)
			again = append(again, q)
		}
		queries = again
	}
	return found, nil
}

// NewMessage asks for the next mail to the entry at a place, at its slot.
func (p Place) NewMessage(claim, slot time.Time) Message {
	return Message{Ref: p.Ref, Shard: p.Shard, Claim: claim, Slot: slot, Attempt: p.Attempt + 1}
}

// ID names a message: the same entry, claim and attempt give the same ID, so
// that a doubled message can be seen to be one. It holds no more than the
// message does.
func (m Message) ID() string {
	return m.Key + "." + strconv.Itoa(m.Joining) + "." + strconv.FormatInt(m.Claim.UnixMilli(), 36) + "." + strconv.Itoa(m.Attempt)
}
