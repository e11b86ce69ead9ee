// Package confine takes away from the process what it does not need, so that
// whoever takes it over gets little: new privileges, core dumps, a look into
// its memory, and by Landlock (landlock(7)) every file, program, device and TCP
// port that is not named. What is given up does not come back, and programs
// that the process starts inherit it.
package confine
