// Package seed takes over what the seed's Python server left: its database
// server.db and its folder Clients, so that its clients keep their ids. What
// does not fit is listed with its reason and left where it is; nothing of the
// old server is changed.
package seed
