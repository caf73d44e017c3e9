package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

// TestDecideReadsWhatEditorsWrite: a byte order mark, line ends of Windows, empty
// lines and a missing newline at the end are accepted; too long a line is an
// error that names it, after everything before it was answered.
func TestDecideReadsWhatEditorsWrite(t *testing.T) {
	t.Parallel()
	const one, two = `{"time":"2013-12-23T11:04:00Z","waiting":1}`, `{"time":"2013-12-23T11:05:00Z","waiting":1}`
	long := one[:len(one)-1] + strings.Repeat(" ", 10<<20) + "}"
	for _, c := range []struct {
		in      string
		answers int
		code    int
		err     string
	}{
		{byteOrderMark + one + "\r\n\r\n" + two, 2, 0, ""},
		{"", 0, 0, ""},
		{one + "\n" + long + "\n" + two, 1, 2, "line 2: it is longer than 4194304 bytes"},
		{one + "\n" + two[:20], 1, 2, "line 2: this is not JSON (it ends too early)"},
		{one + "\n" + byteOrderMark + two, 1, 2, "line 2: this is not JSON"},
		{one + "\nnull", 1, 2, "line 2: the line: null is not an object"},
		{one + two, 0, 2, "line 1: there is more after the end of the object"},
	} {
		var out, errs bytes.Buffer
		code := run(context.Background(), []string{"decide"}, &env{
			stdin: strings.NewReader(c.in), stdout: &out, stderr: &errs, now: time.Now,
			lookup: func(string) (string, bool) { return "", false },
		})
		in := c.in[:min(len(c.in), 200)]
		if code != c.code || !strings.Contains(errs.String(), c.err) || c.err == "" && errs.Len() > 0 {
			t.Errorf("%q: status %d and %q, want %d and %q", in, code, errs.String(), c.code, c.err)
		}
		if n := strings.Count(out.String(), "\n"); n != c.answers {
			t.Errorf("%q: %d answers, want %d", in, n, c.answers)
		}
	}
}
