// Package format writes numbers and times for an operator to read: 60,211 and
// 4.2 % and 16:04.
package format

import (
	"strconv"
	"time"
)

// Thousands writes 60211 as 60,211.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Count writes how many there are of something: 1 mailbox, 2,000 mailboxes.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Thousands(n) + " " + many
}

// Percent writes the share 0.042 as 4.2 %, and 0.42 as 42 %: a decimal only below
// ten percent.
func Percent(share float64) string {
	decimals := 0
	if share > 0 && share < 0.1 {
		decimals = 1
	}
	return strconv.FormatFloat(100*share, 'f', decimals, 64) + " %"
}

// Clock is the time of day in UTC, such as 16:04.
func Clock(t time.Time) string { return t.UTC().Format("15:04") }
