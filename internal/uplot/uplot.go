// Package uplot holds uPlot 1.6.32, by Leon Sorokin, which draws the charts of
// pages that have no network. It is under the MIT licence, which must stand where
// it does.
package uplot

import _ "embed"

var (
	// Script defines the constructor uPlot.
	//go:embed uPlot.iife.min.js
	Script string
	// Style is what Script needs.
	//go:embed uPlot.min.css
	Style string
	// Licence is the licence of both.
	//go:embed uPlot.LICENSE
	Licence string
)
