package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Check compares what was acknowledged with what an export holds.
type Check struct {
	// Entries is how many lines the export had.
	Entries int `json:"entries"`
	// Named are the people of this run whose address it still holds; Ended are
	// entries that joined during the run and whose address was erased at their end.
	Named int `json:"named"`
	Ended int `json:"ended"`
	// Lost were acknowledged and are not there. Doubled are there more than once.
	Lost    int `json:"lost"`
	Doubled int `json:"doubled"`
	// Unpromised are there though they were told that they are not: by a store whose
	// disk was full, and which kept the line for when there was room. Who tries again
	// is known already.
	Unpromised int `json:"refusedSaved"`
	// Unanswered sign-ups turned out to be saved or not: either is right.
	Saved int `json:"unansweredSaved"`
}

// row is what the check reads of an exported entry (raincheck export --format
// jsonl).
type row struct {
	Address string    `json:"address"`
	Joined  time.Time `json:"joined"`
}

// check reads an export as JSON lines.
func (c *crowd) check(export io.Reader, until time.Time) (Check, error) {
	var out Check
	seen := make([]int, c.People)
	lines := bufio.NewScanner(export)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		out.Entries++
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return out, fmt.Errorf("reading the export: line %d: %w", out.Entries, err)
		}
		switch n := c.number(r.Address); {
		case n >= 0:
			seen[n]++
			out.Named++
		case r.Address == "" && !r.Joined.Before(c.began.Add(-time.Second)) && r.Joined.Before(until.Add(time.Second)):
			out.Ended++
		}
	}
	if err := lines.Err(); err != nil {
		return out, fmt.Errorf("reading the export: %w", err)
	}
	missing, extra := 0, 0
	for n, times := range seen {
		if times > 1 {
			out.Doubled += times - 1
		}
		switch {
		case c.accepted[n] && times == 0:
			missing++
		case c.open[n] && times > 0:
			out.Saved++
		case !c.accepted[n] && times > 0:
			extra++
		}
	}
	// An entry that has ended keeps no address: it stands for one that is missing.
	out.Lost = max(0, missing-out.Ended)
	out.Unpromised = extra
	return out, nil
}
