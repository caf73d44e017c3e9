package admission

import (
	"strings"
	"testing"
)

// TestMissingIsNotZero: a number that is null or left out is an error that names
// its field, and so is a load that is not a share of the capacity.
func TestMissingIsNotZero(t *testing.T) {
	t.Parallel()
	const at = `"at":"2026-11-27T09:02:00Z"`
	for _, c := range []struct{ fields, want string }{
		{`"load":[{` + at + `,"value":null}]`, "load[0].value: null is not a number"},
		{`"load":[{` + at + `}]`, "load[0].value: it is missing"},
		{`"load":[{` + at + `,"value":44810}]`, "load[0].value: 44810 is not a share of the capacity: divide it by"},
		{`"load":[{` + at + `,"value":1e999}]`, "load[0].value: 1e999 is not a number"},
		{`"load":[{"value":1}]`, "load[0].at: it is missing"},
		{`"load":[{"at":null,"value":1}]`, `load[0].at: null is not a time such as "2013-12-23T11:04:00Z"`},
		{`"load":[{"at":"2026-11-27T10:02:00Z","value":1}]`, "load[0].at: 2026-11-27T10:02:00Z lies after the line's time"},
		{`"edge":[{"at":"2026-11-27T09:05:00Z","visitors":3,"admitted":1}]`, "edge[0].at: 2026-11-27T09:05:00Z lies after the line's time"},
		{`"load":[{"at":"2026-11-27T09:04:30Z","value":1}]`, ""},
		{`"load":[null]`, "load[0]: null is not an object"},
		{`"load":{}`, "load: {} is not a list"},
		{`"edge":[{` + at + `,"visitors":null,"admitted":null}]`, "edge[0].visitors: null is not a number"},
		{`"edge":[{` + at + `,"visitors":3}]`, "edge[0].admitted: it is missing"},
		{`"sent":[{"invited":"2026-11-27T09:02:00Z"}]`, "sent[0].count: it is missing"},
		{`"deferred":[{"invited":"2026-11-27T09:02:00Z","count":-1}]`, "deferred[0]: want a time"},
		{`"mail":{"perSecond":null}`, "mail.perSecond: null is not a number"},
		{`"applied":{"mode":"throttle"}`, "applied.admit: it is missing"},
		{`"applied":{"mode":"ajar","admit":1}`, `applied.mode: invalid mode "ajar"`},
		{`"waiting":null`, "waiting: null is not a whole number"},
		{`"mail":{"perSecond":3},"mail":{"perSecond":4}`, `the name "mail" stands twice`},
		{`"load":[{` + at + `,"value":0.5,"unit":"%"}]`, `unknown field "load[0].unit"`},
		{`"load":null,"mail":null,"applied":{"mode":"open"}`, ""},
		{`"mail":{"perSecond":3}`, ""},
	} {
		line := `{"time":"2026-11-27T09:04:00Z","waiting":5,` + c.fields + `}`
		if strings.HasPrefix(c.fields, `"waiting"`) {
			line = strings.Replace(line, `"waiting":5,`, "", 1)
		}
		o, err := DecodeObservation([]byte(line))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.fields, err, c.want)
		}
		if o.Mail != nil && err == nil && o.Mail.Remaining >= 0 {
			t.Errorf("%s: a mail bound that was left out became %+v", c.fields, o.Mail)
		}
	}
	if _, err := DecodeObservation([]byte(`{"time":"2026-11-27T09:04:00Z"}`)); err == nil || !strings.Contains(err.Error(), "waiting: it is missing") {
		t.Errorf("no number of people waiting: %v", err)
	}
	if _, err := DecodePolicy([]byte(`{"target":null}`)); err == nil || !strings.Contains(err.Error(), "target: null is not a number") {
		t.Errorf("a policy of null: %v", err)
	}
}

// TestAPolicyWithAByteOrderMark is read like one without.
func TestAPolicyWithAByteOrderMark(t *testing.T) {
	t.Parallel()
	p, err := DecodePolicy([]byte("\ufeff{\"target\":0.8}"))
	if err != nil || p.Target != 0.8 {
		t.Errorf("%v, %v", p.Target, err)
	}
}
