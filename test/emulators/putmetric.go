package emulators

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// Value is what a series has for the minute of a time.
func (c *CloudWatch) Value(series string, at time.Time) (float64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.points[series][at.Truncate(time.Minute).Unix()]
	return v, ok
}

// putMetricData keeps each datum under its series, the last of a minute over the
// others.
func (c *CloudWatch) putMetricData(body []byte) (cbor.Value, error) {
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	in, ok := v.(cbor.Map)
	data, ok2 := in["MetricData"].(cbor.List)
	if !ok || !ok2 || text(in["Namespace"]) == "" {
		return nil, errors.New("there is no Namespace or no MetricData")
	}
	for _, d := range data {
		one, _ := d.(cbor.Map)
		at, err := moment(one["Timestamp"])
		if err != nil || text(one["MetricName"]) == "" {
			return nil, fmt.Errorf("a datum has no name or no time: %v", err)
		}
		var dimensions []string
		list, _ := one["Dimensions"].(cbor.List)
		for _, d := range list {
			pair, _ := d.(cbor.Map)
			dimensions = append(dimensions, text(pair["Name"])+"="+text(pair["Value"]))
		}
		c.Put(Series(text(in["Namespace"]), text(one["MetricName"]), dimensions...), at, number(one["Value"]))
	}
	return cbor.Map{}, nil
}

// unpacked is a request's body, which the SDK compresses for PutMetricData when
// it is long.
func unpacked(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
