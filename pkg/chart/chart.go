// Package chart carries the chart library of the console and of the report of a
// simulation: uPlot 1.6.32, as published on npm, with its licence.
//
// It is embedded because both must work on a machine with no network: an
// operators' page that fetches its charts from somewhere else draws nothing on
// the day when the network is the trouble. uPlot was taken because it is the
// smallest well-kept library for time series (51 KB, no dependency) and draws 48
// hours of minutes without a pause.
package chart

import _ "embed" // for the three files below

// Version is the release of uPlot that is embedded.
const Version = "1.6.32"

// Script is uPlot as one script that defines the global uPlot.
//
//go:embed uPlot.iife.min.js
var Script []byte

// Style is uPlot's style sheet.
//
//go:embed uPlot.min.css
var Style []byte

// License is the text (MIT) that goes wherever Script and Style go.
//
//go:embed LICENSE.uPlot
var License []byte
