package emulators

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// CloudWatch answers GetMetricData and PutMetricData in the protocol of the current SDKs (smithy
// RPC v2 with CBOR), for whole minutes, and for sums over longer periods. The zero CloudWatch
// knows no metric.
type CloudWatch struct {
	// PageSize bounds the points of one answer, so that paging is tried; zero is no
	// bound.
	PageSize int

	mu     sync.Mutex
	points map[string]map[int64]float64
}

// Series names a metric: Namespace/Name, then its dimensions in order of their
// names, as [Name=Value,…]. An expression is named by its text.
func Series(namespace, name string, dimensions ...string) string {
	slices.Sort(dimensions)
	return namespace + "/" + name + "[" + strings.Join(dimensions, ",") + "]"
}

// Put keeps the value of a series for the minute that begins at.
func (c *CloudWatch) Put(series string, at time.Time, value float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.points == nil {
		c.points = map[string]map[int64]float64{}
	}
	if c.points[series] == nil {
		c.points[series] = map[int64]float64{}
	}
	c.points[series][at.Truncate(time.Minute).Unix()] = value
}

// ServeHTTP answers GetMetricData and PutMetricData.
func (c *CloudWatch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := unpacked(r)
	put := strings.HasSuffix(r.URL.Path, "/operation/PutMetricData")
	if err == nil && !put && !strings.HasSuffix(r.URL.Path, "/operation/GetMetricData") {
		err = fmt.Errorf("%s is not known here", r.URL.Path)
	}
	if err == nil && r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		err = errors.New("the request is not in the protocol rpc-v2-cbor")
	}
	var out cbor.Value
	switch {
	case err != nil:
	case put:
		out, err = c.putMetricData(body)
	default:
		out, err = c.getMetricData(body)
	}
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#InvalidParameterValueException"), "message": cbor.String(err.Error())}
	}
	_, _ = w.Write(cbor.Encode(out))
}

func (c *CloudWatch) getMetricData(body []byte) (cbor.Value, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	in, ok := v.(cbor.Map)
	if !ok {
		return nil, errors.New("the body is not a map")
	}
	start, err1 := moment(in["StartTime"])
	end, err2 := moment(in["EndTime"])
	queries, ok := in["MetricDataQueries"].(cbor.List)
	if err := errors.Join(err1, err2); err != nil || !ok || !start.Before(end) {
		return nil, fmt.Errorf("StartTime, EndTime or MetricDataQueries is not right: %v", err)
	}
	skip := 0
	if next, ok := in["NextToken"].(cbor.String); ok {
		fmt.Sscanf(string(next), "after-%d", &skip)
	}
	more := false
	var results cbor.List
	for _, q := range queries {
		id, series, period, err := query(q)
		if err != nil {
			return nil, err
		}
		points := sums(c.points[series], start, period)
		var stamps, values cbor.List
		n := 0
		for at := start.Truncate(time.Minute); at.Before(end); at = at.Add(period) {
			value, ok := points[at.Unix()]
			if !ok || at.Before(start) {
				continue
			}
			if n++; n <= skip {
				continue
			}
			if c.PageSize > 0 && n > skip+c.PageSize {
				more = true
				break
			}
			stamps = append(stamps, &cbor.Tag{ID: 1, Value: cbor.Float64(at.Unix())})
			values = append(values, cbor.Float64(value))
		}
		results = append(results, cbor.Map{
			"Id": cbor.String(id), "Label": cbor.String(series), "StatusCode": cbor.String("Complete"), "Timestamps": stamps, "Values": values,
		})
	}
	out := cbor.Map{"MetricDataResults": results, "Messages": cbor.List{}}
	if more {
		out["NextToken"] = cbor.String(fmt.Sprintf("after-%d", skip+c.PageSize))
	}
	return out, nil
}

// sums adds points by the period that each is in, which are counted from start.
func sums(points map[int64]float64, start time.Time, period time.Duration) map[int64]float64 {
	if period == time.Minute {
		return points
	}
	sums := map[int64]float64{}
	for at, value := range points {
		if since := time.Unix(at, 0).Sub(start); since >= 0 {
			sums[start.Add(since.Truncate(period)).Unix()] += value
		}
	}
	return sums
}

// query reads one MetricDataQuery: its id, the series that it asks for, and by which
// period.
func query(v cbor.Value) (id, series string, period time.Duration, err error) {
	q, _ := v.(cbor.Map)
	id = text(q["Id"])
	if e := text(q["Expression"]); e != "" {
		return id, e, time.Minute, nil
	}
	stat, _ := q["MetricStat"].(cbor.Map)
	metric, _ := stat["Metric"].(cbor.Map)
	period = time.Duration(number(stat["Period"])) * time.Second
	if period < time.Minute || period%time.Minute != 0 || period > time.Minute && text(stat["Stat"]) != "Sum" || text(stat["Stat"]) == "" || text(metric["Namespace"]) == "" {
		return "", "", 0, fmt.Errorf("the query %q has no metric with a statistic and a period of 60 s, or with a sum and a multiple of that", id)
	}
	var dimensions []string
	list, _ := metric["Dimensions"].(cbor.List)
	for _, d := range list {
		one, _ := d.(cbor.Map)
		dimensions = append(dimensions, text(one["Name"])+"="+text(one["Value"]))
	}
	return id, Series(text(metric["Namespace"]), text(metric["MetricName"]), dimensions...), period, nil
}

func text(v cbor.Value) string {
	s, _ := v.(cbor.String)
	return string(s)
}

func number(v cbor.Value) float64 {
	switch n := v.(type) {
	case cbor.Uint:
		return float64(n)
	case cbor.NegInt:
		return -float64(n)
	case cbor.Float32:
		return float64(n)
	case cbor.Float64:
		return float64(n)
	}
	return math.NaN()
}

func moment(v cbor.Value) (time.Time, error) {
	tag, ok := v.(*cbor.Tag)
	if !ok || tag.ID != 1 {
		return time.Time{}, errors.New("a time is not tag 1 (seconds since 1970)")
	}
	seconds := number(tag.Value)
	if math.IsNaN(seconds) {
		return time.Time{}, errors.New("a time is not a number")
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
}
