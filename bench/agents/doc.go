// Package agents lets several machines do one run of package bench. A
// controller gives each agent a part of the plan, starts them together when all
// are ready, and receives what they measured, to be merged.
//
// They speak JSON messages over one TCP connection, one after the other:
//
//	controller                          agent
//	hello: version, token, plan
//	                                    ready: the plan is prepared
//	start
//	                                    interval, once a second
//	stop, or the end of the connection
//	                                    result and ledger
//
// An agent may send an error instead and closes. The connection is not
// encrypted: use it on a network of your own.
package agents
