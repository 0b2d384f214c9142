"""An offline WhatsApp multi-device server, to which the real neonize library links.

Clients prove themselves with the real Noise handshake, and their messages stay encrypted from
end to end: the server routes ciphertext. A `Phone` plays the account's own telephone. It holds
the account's keys, links devices, and speaks Signal as a correspondent would.
"""
