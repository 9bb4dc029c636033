package io.moetier.cluster.drive;

import io.moetier.cluster.membership.jgroups.Hearing;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Optional;

/// Several members on this machine: they look for each other at an address of its own, if it hears there what is said
/// to all, else they have addresses of loopback and join the first. Who is cut off hangs.
final class OneMachine implements Machines {
    private final Optional<String> heard;
    private final int firstPort;

    OneMachine() {
        try {
            heard = Hearing.addresses().stream()
                    .filter(Inet4Address.class::isInstance)
                    .map(InetAddress::getHostAddress)
                    .findFirst();
            firstPort = heard.isPresent() ? 0 : freePort(host(1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int freePort(String host) throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(host))) {
            return socket.getLocalPort();
        }
    }

    @Override
    public String host(int machine) {
        return heard.orElse("127.0.0." + (1 + machine));
    }

    @Override
    public int port(int machine) {
        return machine == 1 ? firstPort : 0;
    }

    @Override
    public String join(int machine) {
        if (heard.isPresent()) {
            return "";
        }
        return machine == 1 ? NONE : host(1) + ":" + firstPort;
    }

    @Override
    public List<String> on(int machine, boolean isCut, List<String> command) {
        return command;
    }

    @Override
    public void cut(int machine, NodeProcess member) {
        member.hang();
    }

    @Override
    public void connect(int machine, NodeProcess member) {
        member.resume();
    }

    @Override
    public void close() {}
}
