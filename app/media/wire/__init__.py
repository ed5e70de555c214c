"""What goes over the wire: RTP, RTCP, SDP, UDP sockets and the seam to aiortc."""
