package io.moetier.cluster.membership.jgroups;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.net.StandardSocketOptions;
import java.util.ArrayList;
import java.util.List;

/// At which of its addresses this machine hears what it says to all on a network.
public final class Hearing {
    private static final int PATIENCE_MILLIS = 1000;

    private Hearing() {}

    /// Returns one such address of each family, none where there is no network.
    public static List<InetAddress> addresses() throws IOException {
        List<InetAddress> heard = new ArrayList<>();
        for (NetworkInterface network : NetworkInterface.networkInterfaces().toList()) {
            if (network.isUp() && !network.isLoopback() && network.supportsMulticast()) {
                for (InetAddress own : network.inetAddresses().toList()) {
                    boolean isNew = heard.stream().noneMatch(other -> other.getClass() == own.getClass());
                    if (isNew && (own instanceof Inet4Address || !own.isLinkLocalAddress()) && hears(network, own)) {
                        heard.add(own);
                    }
                }
            }
        }
        return heard;
    }

    private static boolean hears(NetworkInterface network, InetAddress own) {
        String to = own instanceof Inet4Address ? "239.255.79.48" : "ff12::7948";
        try (MulticastSocket listening = new MulticastSocket(0);
                MulticastSocket asking = new MulticastSocket(new InetSocketAddress(own, 0))) {
            InetSocketAddress group = new InetSocketAddress(to, listening.getLocalPort());
            listening.joinGroup(group, network);
            listening.setSoTimeout(PATIENCE_MILLIS);
            asking.setOption(StandardSocketOptions.IP_MULTICAST_IF, network);
            asking.send(new DatagramPacket(new byte[1], 1, group));
            DatagramPacket answer = new DatagramPacket(new byte[1], 1);
            listening.receive(answer);
            return answer.getAddress().equals(own);
        } catch (IOException e) {
            return false;
        }
    }
}
