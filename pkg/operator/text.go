package operator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/format"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// Text is the one screen of `raincheck status`: first what is wrong, then the
// mode and the reason in the law's own words, then the numbers. What is not known
// is said to be unknown.
func (s Snapshot) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n\n", s.Name, s.Now.UTC().Format("Mon 2 Jan 2006 15:04 UTC"))
	for _, warning := range s.Warnings {
		fmt.Fprintf(&b, "  ! %s\n", warning)
	}
	if s.Unread && s.Gate == nil {
		b.WriteString("  unknown: neither the waitlist nor the gate can be read\n")
	} else {
		fmt.Fprintf(&b, "  %s\n", ModeText(s.Control))
	}
	switch {
	case s.Control.Switched.After(s.Decided) && !s.Unread:
		// The reason of the last tick speaks of the mode before.
		fmt.Fprintf(&b, "  %s: switched; the inviter's next decision comes within a minute\n", format.Clock(s.Control.Switched))
	case s.Because != "":
		fmt.Fprintf(&b, "  %s: %s\n", format.Clock(s.Decided), s.Because)
	}
	b.WriteByte('\n')
	for _, r := range s.rows() {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-12s %9s  %s", r[0], r[1], r[2]), " ") + "\n")
	}
	mail, signups := MailText(s.Control), "taken"
	switch {
	case s.Unread:
		mail, signups = unknown, unknown
	case s.Control.SignupsOff:
		signups = "not taken: the form is closed"
	}
	if s.Trapped != nil && *s.Trapped > 0 {
		signups += "; in the last hour the hidden field caught " + format.Count(*s.Trapped, "sign-up", "sign-ups")
	}
	if hour := s.Mails.text(); hour != "" {
		mail += "; " + hour
	}
	fmt.Fprintf(&b, "  %-12s %s\n  %-12s %s\n", "mail", mail, "addresses", signups)
	if !s.Unread && s.Control.Said.Stands(s.Now) {
		fmt.Fprintf(&b, "  %-12s %s\n", "said", SaidText(s.Control, s.Now))
	}
	return b.String()
}

const unknown = "unknown"

// rows are the numbers: name, value, and what there is to say of it.
func (s Snapshot) rows() [][3]string {
	load := [3]string{"load", unknown, "target " + unknown}
	if s.Target > 0 {
		load[2] = "target " + format.Percent(s.Target)
	}
	if s.Load != nil {
		load[1] = format.Percent(*s.Load)
		load[2] += ", at " + format.Clock(s.LoadAt)
	}
	if s.Capacity > 0 {
		load[2] += ", capacity " + format.Thousands(int(s.Capacity))
	}
	in := [3]string{"straight in", unknown, "of new visitors"}
	if s.Admit != nil {
		in[1] = format.Percent(*s.Admit)
	}
	rows := [][3]string{load, in}
	if s.Trust != nil {
		rows = append(rows, [3]string{"trust", format.Percent(*s.Trust), s.trust()})
	}
	if s.Unread || s.Decided.IsZero() {
		return append(rows, [3]string{"waiting", unknown}, [3]string{"invite", unknown})
	}
	waiting := [3]string{"waiting", format.Thousands(s.Waiting)}
	switch {
	case !s.Oldest.IsZero():
		waiting[2] = "the first since " + format.Clock(s.Oldest)
	case s.Waiting == 0:
		waiting[2] = "nobody in the line"
	}
	counted := 2 * time.Minute
	if s.Control.EffectiveMode() == gate.Open {
		counted += waitlist.IdleLook // nothing is counted while nothing happens
	}
	if s.Now.Sub(s.Decided) > counted {
		waiting[2] = "by the count of " + format.Clock(s.Decided)
	}
	if !s.Empty.IsZero() {
		at := format.Clock(s.Empty)
		if s.Empty.Sub(s.Now) > 20*time.Hour {
			at = s.Empty.UTC().Format("Mon ") + at
		}
		waiting[2] = strings.TrimPrefix(waiting[2]+"; at this pace all of them are invited at about "+at, "; ")
	}
	invite := [3]string{"invite", format.Thousands(s.Invite), "by the last decision"}
	if s.Control.InviteNow > 0 {
		invite[2] += ", and " + format.Thousands(s.Control.InviteNow) + " more by hand"
	}
	if s.Control.Drain {
		invite[2] += "; draining: everyone left is invited"
	}
	return append(rows, waiting, invite)
}

// trust says what the model's trust means now.
func (s Snapshot) trust() string {
	since := ""
	if !s.TrustSince.IsZero() {
		since = " since " + format.Clock(s.TrustSince)
	}
	switch {
	case *s.Trust >= 1:
		return "the model has foreseen the load" + since
	case *s.Trust > 0:
		return "the model has been proving itself" + since + "; the load alone still bounds it"
	}
	return "the model has to prove itself" + since + "; the load alone decides"
}

// ModeText says what the operator wants of the edge, in one line.
func ModeText(c waitlist.Control) string {
	switch c.Mode {
	case gate.Throttle:
		switch {
		case c.Admit != nil:
			return "throttle: a fixed share of " + format.Percent(*c.Admit) + " of new visitors is let in, until released"
		case c.Law != "":
			return "throttle: the law " + c.Law + " decides"
		}
		return "throttle: the law decides"
	case gate.Hold:
		return "hold: nobody new is let in"
	case gate.Observe:
		return "observe: decided and counted, everyone is let in"
	}
	return "open: everyone is let in"
}

// MailText says whether mail is sent, in one line.
func MailText(c waitlist.Control) string {
	if !c.Paused {
		return "being sent"
	}
	out := "paused by the operator"
	if c.PausedBecause != "" {
		out = "paused: " + c.PausedBecause
	}
	if !c.ResumeAt.IsZero() {
		out += ", goes on by itself at " + format.Clock(c.ResumeAt)
	}
	return out
}

// SaidText says what is said to those who wait, by whom, since when and until
// when; "nothing" where nothing is.
func SaidText(c waitlist.Control, now time.Time) string {
	if !c.Said.Stands(now) {
		return "nothing"
	}
	by := ""
	if c.Said.By != "" {
		by = ", by " + c.Said.By
	}
	text := fmt.Sprintf("%q", c.Said.Text)
	for _, tag := range slices.Sorted(maps.Keys(c.Said.Translations)) {
		text += fmt.Sprintf(", %s: %q", tag, c.Said.Translations[tag])
	}
	return fmt.Sprintf("%s (since %s%s, until %s)", text, format.Clock(c.Said.At), by, format.Clock(c.Said.Until))
}

// ParseEnd reads when something ends: a time of day by the clock of now, the
// next that comes; how long from now; or a whole time. Empty is the zero time.
func ParseEnd(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	clock, err := time.Parse("15:04", text)
	if err != nil {
		return time.Time{}, errors.New("want a time such as 18:00, 90m or 2026-03-04T18:00:00Z")
	}
	at := time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), 0, 0, now.Location())
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at, nil
}
