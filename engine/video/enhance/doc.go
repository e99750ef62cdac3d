// Package enhance makes a door camera's picture better before it is coded:
// masks, deflicker, noise reduction, tone, colour, geometry and overlay, in
// that order, on 8-bit 4:2:0 pictures (BT.601 limited range). It works in fixed
// point, keeps a fixed amount of memory per picture size, allocates nothing per
// frame after the first, and starts no goroutine.
//
// A [Chain] holds the steps. Each can be switched off, costs nothing where it
// would change nothing, and counts its time. Privacy masks come first: no later
// step, statistic or memory of a step ever sees what they hide.
//
// Q formats: temporal averages are Q7 (0 to 255<<7), weights and gains Q15,
// differences of the motion test Q3, tone curves Q4, white-balance gains Q12.
package enhance
