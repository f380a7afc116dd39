// Package dial connects to hosts that are meant to be on the internet, and to no others.
//
// A name can lead anywhere: whoever has its zone can let it stand for 127.0.0.1, for a host of the internal network, or for
// the address at which a cloud hands out its machines' credentials, and can answer another address a second later (DNS
// rebinding). So the address is judged, not the name, and it is judged last: by a hook between the making of the socket and
// the connecting, once for each address that is tried. Nothing is sent to one that is refused, not even the first
// packet of a handshake.
//
// What is refused is what is not [Public]. A [Policy] has exceptions: places that the operator wrote into a URL as an IP
// address or as localhost, and private networks as a whole.
//
// A proxy connects by itself, and has to do its own judging.
package dial
