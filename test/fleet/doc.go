// Package fleet tests a fleet's parts as processes of their own, as they run in
// a house: broker, authority, the operator's tool, and a node under its
// launcher.
package fleet
