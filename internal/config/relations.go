package config

// checkRelations notes the values that are right by themselves and wrong together.
func (l *loader) checkRelations() {
	c := l.config
	if c.ConnectionLowMark >= c.ConnectionHighMark {
		l.clash("connection_low_mark", "less than", "connection_high_mark", "more than")
	}
	if c.ConnectionHighMark > c.MemoryBudget {
		l.clash("connection_high_mark", "at most", "memory_budget", "at least")
	}
}

// clash notes that small is not less than big, where the user can change it: a default is not blamed.
func (l *loader) clash(small, must, big, mustBig string) {
	blamed, other := small, big
	if _, given := l.config.sources[small]; !given {
		blamed, must, other = big, mustBig, small
	}
	at := l.config.Source(blamed)
	key := blamed
	if at.Name != "" {
		key = at.Name
	}
	l.problems = append(l.problems, Problem{File: at.File, Line: at.Line, Column: at.Column, Key: key,
		Found:   l.config.text(blamed),
		Allowed: must + " " + other + ", which is " + l.config.text(other) + " (" + l.config.Source(other).String() + ")",
	})
}
