package attach

// Covers and Overlaps are for the brute-force test.
var Covers, Overlaps = covers, overlaps
