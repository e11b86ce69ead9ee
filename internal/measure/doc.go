// Package measure counts what happens, cheaply enough for the way of the data:
// counters by a closed set of keys, and histograms of times and of numbers. They
// are plain atomics. What becomes of the figures is for others.
package measure
