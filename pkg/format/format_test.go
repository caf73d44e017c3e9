package format_test

import (
	"fmt"
	"time"

	"raincheck/pkg/format"
)

func ExampleThousands() {
	fmt.Println(format.Thousands(0), format.Thousands(999), format.Thousands(60211), format.Thousands(-1000), format.Thousands(2900000))
	// Output: 0 999 60,211 -1,000 2,900,000
}

func ExampleCount() {
	fmt.Println(format.Count(1, "mailbox", "mailboxes"), format.Count(2000, "mailbox", "mailboxes"), format.Count(0, "mailbox", "mailboxes"))
	// Output: 1 mailbox 2,000 mailboxes 0 mailboxes
}

func ExamplePercent() {
	fmt.Println(format.Percent(0), "|", format.Percent(0.042), "|", format.Percent(0.42), "|", format.Percent(1.5))
	// Output: 0 % | 4.2 % | 42 % | 150 %
}

func ExampleClock() {
	fmt.Println(format.Clock(time.Date(2026, 3, 2, 11, 4, 0, 0, time.FixedZone("", -5*3600))))
	// Output: 16:04
}
