package site

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Zone is a time zone without a database of zones: its name, and when its clocks
// change in the coming years. A Lambda function that carried the database would
// be 0.4 MB larger, to be fetched at each cold start. The zero Zone is UTC.
type Zone struct {
	// Name is the zone's name in the IANA database, such as America/New_York.
	Name string `json:"name,omitempty"`
	// Changes are in the order of time. The first one holds before it too, the last
	// one for ever.
	Changes []Change `json:"changes,omitempty"`
}

// Change is one change of the clocks.
type Change struct {
	// At is when, in seconds since 1970.
	At int64 `json:"at"`
	// Offset is how far the clocks are ahead of UTC from then on, in seconds.
	Offset int `json:"offset"`
	// Abbreviation is what the zone is called from then on: EST.
	Abbreviation string `json:"abbreviation"`
}

// zoneYears is how far ahead LoadZone looks. A site that sets its words once in
// ten years must set them again.
const zoneYears = 10

// LoadZone finds a zone by its name, with its changes from a year before now to
// ten years after.
func LoadZone(name string, now time.Time) (Zone, error) {
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return Zone{}, fmt.Errorf("no such time zone %q: want a name such as America/New_York", name)
	}
	z := Zone{Name: name}
	end := now.AddDate(zoneYears, 0, 0)
	for at := now.AddDate(-1, 0, 0).In(location); ; {
		abbreviation, offset := at.Zone()
		z.Changes = append(z.Changes, Change{At: at.Unix(), Offset: offset, Abbreviation: abbreviation})
		_, next := at.ZoneBounds()
		if next.IsZero() || next.After(end) {
			return z, nil
		}
		at = next
	}
}

// IsUTC says that times are said in UTC, or that no zone is set.
func (z Zone) IsUTC() bool {
	return len(z.Changes) == 0 || len(z.Changes) == 1 && z.Changes[0].Offset == 0
}

// Location is the zone as the time package knows it.
func (z Zone) Location() *time.Location {
	if len(z.Changes) == 0 {
		return time.UTC
	}
	location, err := time.LoadLocationFromTZData(z.Name, z.data())
	if err != nil {
		return time.UTC // unreachable: validate has tried it
	}
	return location
}

func (z Zone) validate() error {
	if len(z.Changes) > 255 {
		return errors.New("the zone has more than 255 changes")
	}
	for i, c := range z.Changes {
		if i > 0 && c.At <= z.Changes[i-1].At || c.Offset < -24*3600 || c.Offset > 24*3600 || len(c.Abbreviation) > 10 {
			return fmt.Errorf("change %d of the zone is not one of a time zone", i)
		}
	}
	if len(z.Changes) > 0 {
		if _, err := time.LoadLocationFromTZData(z.Name, z.data()); err != nil {
			return fmt.Errorf("the zone cannot be read: %w", err)
		}
	}
	return nil
}

// data is the zone in the format of zone files (RFC 9636), which is what the time
// package reads: version 2, an empty first block, one local time type a change.
func (z Zone) data() []byte {
	n := len(z.Changes)
	var names []byte
	for _, c := range z.Changes {
		names = append(append(names, c.Abbreviation...), 0)
	}
	header := func(out []byte, counts ...uint32) []byte {
		out = append(append(out, "TZif2"...), make([]byte, 15)...)
		for _, c := range counts { // UT and standard indicators, leap seconds, times, types, names
			out = binary.BigEndian.AppendUint32(out, c)
		}
		return out
	}
	out := header(nil, 0, 0, 0, 0, 0, 0)
	out = header(out, 0, 0, 0, uint32(n), uint32(n), uint32(len(names)))
	for _, c := range z.Changes {
		out = binary.BigEndian.AppendUint64(out, uint64(c.At))
	}
	for i := range n {
		out = append(out, byte(i))
	}
	at := 0
	for _, c := range z.Changes {
		out = binary.BigEndian.AppendUint32(out, uint32(int32(c.Offset)))
		out = append(out, 0, byte(at))
		at += len(c.Abbreviation) + 1
	}
	return append(append(out, names...), "\n\n"...)
}
