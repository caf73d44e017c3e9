// Package version says which raincheck a program was built from.
package version

import (
	"runtime/debug"
	"strings"
)

// Unknown is the version of a program that was built outside a checkout, or with
// version stamping off.
const Unknown = "dev"

// release is the version that .ci/release gives to the linker; empty for any
// other build.
var release string

// String is the version of the running program: that of the release, such as
// v1.2.0, and for anything else the commit, with the mark +dirty for changes that
// were not committed, such as 426be15d2c1a+dirty.
func String() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Unknown
	}
	return of(info)
}

// of reads a version out of what the linker left in the program. A pseudo-version
// (v0.0.0-20261129155723-426be15d2c1a) says no more than its commit, and is
// shortened to it.
// https://go.dev/ref/mod#pseudo-versions
func of(info *debug.BuildInfo) string {
	if v := info.Main.Version; strings.HasPrefix(v, "v") && !strings.Contains(v, "-0.") && !strings.HasPrefix(v, "v0.0.0-") {
		return v
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := settings["vcs.revision"]
	switch {
	case commit == "":
		return Unknown
	case settings["vcs.modified"] == "true":
		return commit[:min(12, len(commit))] + "+dirty"
	}
	return commit[:min(12, len(commit))]
}
