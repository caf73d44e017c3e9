package store

import (
	"reflect"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// TestARecordForgetsNothing fills every field of an entry, one that is added later
// too, and takes it through a record and through the journal.
func TestARecordForgetsNothing(t *testing.T) {
	t.Parallel()
	address, err := email.Parse("ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	want := item{bare: true, damaged: true}
	fill(t, reflect.ValueOf(&want.Entry).Elem())
	want.Stage, want.Address = waitlist.Invited, address
	var r record
	r.keep(&want)
	if got := r.item(); !reflect.DeepEqual(got, &want) {
		t.Fatalf("kept %+v\nof   %+v", got, want)
	}
	var empty record
	empty.keep(&item{})
	if got := empty.item(); !reflect.DeepEqual(got, &item{}) {
		t.Fatalf("kept %+v of nothing", got)
	}
	want.damaged, want.bare = false, false
	s := &Store{}
	s.init()
	p := parse([][]byte{[]byte(text(entryOf(&want)))}, func(string, string) bool { return true })[0]
	if p.err != nil {
		t.Fatal(p.err)
	}
	if err := s.apply(p); err != nil {
		t.Fatal(err)
	}
	if got := s.item(want.Key); !reflect.DeepEqual(got, &want) {
		t.Fatalf("read %+v\nof   %+v", got, want)
	}
}

func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case waitlist.Ref:
			fill(t, f)
		case time.Time:
			f.Set(reflect.ValueOf(time.Date(2026, 3, 4, 12, i, 0, 5e6, time.UTC)))
		case map[string]string:
			f.Set(reflect.ValueOf(map[string]string{"state": "VT"}))
		case email.Address:
		default:
			switch f.Kind() {
			case reflect.String:
				f.SetString("x" + string(rune('a'+i)))
			case reflect.Int:
				f.SetInt(int64(i + 1))
			case reflect.Bool:
				f.SetBool(true)
			default:
				t.Fatalf("%s is of a kind that this test does not know", v.Type().Field(i).Name)
			}
		}
	}
}
