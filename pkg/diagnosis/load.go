package diagnosis

import (
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/aws/health"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/format"
)

// ByMinute gives the values of a metric by their minutes, up to a time if there is
// one.
func ByMinute(samples []admission.Sample, until time.Time) map[time.Time]float64 {
	values := map[time.Time]float64{}
	for _, s := range samples {
		if until.IsZero() || s.At.Before(until) {
			values[s.At.UTC().Truncate(time.Minute)] = s.Value
		}
	}
	return values
}

// Load says whether the load of the last 24 hours is known now, and whether its
// source looks sound. Preset is the source's name (metrics.Source).
func Load(load []admission.Sample, preset string, now time.Time) []health.Finding {
	const mend = "Look whether the metric of LoadSource is there, in its region; or enter the load by hand: raincheck load 0.8."
	if len(load) == 0 {
		if preset == metrics.ByHand {
			return []health.Finding{health.Warn("Have cron run `raincheck load` every minute from the day on; without a load nobody is invited.", "the load comes by hand, and nobody has entered it in 24 hours")}
		}
		return []health.Finding{health.Bad(mend, "the metric of LoadSource=%s has no datapoint in 24 hours", preset)}
	}
	newest := load[len(load)-1]
	age := now.Sub(newest.At)
	switch {
	case age > 10*time.Minute && preset != metrics.ByHand:
		return []health.Finding{health.Bad(mend, "the newest datapoint of the load is %s old", age.Round(time.Minute))}
	case age > 10*time.Minute:
		return []health.Finding{health.Warn("Have cron run `raincheck load` every minute from the day on.", "the load was last entered %s ago", age.Round(time.Minute))}
	}
	found := []health.Finding{health.OK("the load is %s, by %s", format.Percent(newest.Value), preset)}
	if n := len(load); preset != metrics.ByHand && n >= 30 && same(load[n-30:]) {
		found = append(found, health.Warn(mend, "the load has been exactly the same for half an hour: does the metric hang?"))
	}
	if missing, of := sparse(load); 20*missing > of && (preset == metrics.Custom || preset == metrics.Expression) {
		found = append(found, health.Warn("A metric that is silent while nothing happens, such as a count of errors, needs LoadSource=expression with FILL(…, 0) around it; else look why minutes are missing.",
			"the load is missing in %d of the last %d minutes, and a load that is missing is not taken for 0", missing, of))
	}
	return found
}

// sparse is in how many minutes between the first and the last the load is missing,
// and of how many.
func sparse(load []admission.Sample) (missing, of int) {
	of = int(load[len(load)-1].At.Sub(load[0].At).Minutes()) + 1
	return of - len(ByMinute(load, time.Time{})), of
}

func same(load []admission.Sample) bool {
	for _, s := range load {
		if s.Value != load[0].Value || s.Value < 0.03 {
			return false
		}
	}
	return true
}
