package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Machines with a network stack each, joined by a switch: namespaces of the kernel, which last as long as the
/// processes in them and leave nothing behind.
final class Network implements Machines {
    private static final String TOOLS = "PATH=$PATH:/usr/sbin:/sbin; set -e; ip link set lo up\n";

    /// Is the switch until its input ends. Before it says so, it tries what machines need.
    private static final String SWITCH = TOOLS + """
            ip link add name switch type bridge
            ip link set switch up
            ip link add name try1 type veth peer name try2
            ip link del try1
            unshare --net true
            echo here
            exec cat
            """;

    /// Connects itself to the switch, which is a process, and becomes a command. Before that come the number of the
    /// machine, its address, and whether its link is `up`.
    private static final String MACHINE = TOOLS + """
            switch=$1 link=link$2 address=$3 state=$4
            shift 4
            ip link add name eth0 type veth peer name "$link" netns "$switch"
            ip address add "$address/24" dev eth0
            ip link set eth0 up
            nsenter --target "$switch" --net ip link set "$link" master switch "$state"
            exec "$@"
            """;

    private final ChildProcess hub;
    private final List<String> within; // runs what follows in the switch

    private Network(ChildProcess hub, boolean isOfUser) {
        this.hub = hub;
        String pid = Long.toString(hub.process().pid());
        within = isOfUser
                ? List.of("nsenter", "--target", pid, "--user", "--preserve-credentials", "--net")
                : List.of("nsenter", "--target", pid, "--net");
    }

    /// Returns a network without machines, if this process may make one: root often may, others in a namespace of users
    /// where the system lets them.
    static Optional<Network> made() throws IOException {
        for (boolean isOfUser : new boolean[] {false, true}) {
            List<String> command = new ArrayList<>(List.of("unshare", "--net"));
            command.addAll(isOfUser ? List.of("--user", "--map-root-user") : List.of());
            command.addAll(List.of("sh", "-c", SWITCH));
            ChildProcess hub = ChildProcess.start(new ProcessBuilder(command).redirectError(Redirect.DISCARD));
            if ("here".equals(hub.process().inputReader(StandardCharsets.UTF_8).readLine())) {
                return Optional.of(new Network(hub, isOfUser));
            }
            hub.close();
        }
        return Optional.empty();
    }

    @Override
    public String host(int machine) {
        return "10.79.47." + machine;
    }

    @Override
    public int port(int machine) {
        return 7947;
    }

    @Override
    public String join(int machine) {
        return "";
    }

    @Override
    public List<String> on(int machine, boolean isCut, List<String> command) {
        List<String> whole = new ArrayList<>(within);
        whole.addAll(List.of("unshare", "--net", "sh", "-c", MACHINE, "machine"));
        whole.addAll(List.of(
                Long.toString(hub.process().pid()), Integer.toString(machine), host(machine), isCut ? "down" : "up"));
        whole.addAll(command);
        return whole;
    }

    @Override
    public void cut(int machine, NodeProcess member) throws IOException, InterruptedException {
        set(machine, "down");
    }

    @Override
    public void connect(int machine, NodeProcess member) throws IOException, InterruptedException {
        set(machine, "up");
    }

    private void set(int machine, String state) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(within);
        command.addAll(List.of("sh", "-c", TOOLS + "ip link set link" + machine + " " + state));
        ChildProcess.Ended ended = ChildProcess.run(new ProcessBuilder(command));
        assertEquals(0, ended.exitCode(), ended::said);
    }

    @Override
    public void close() {
        hub.close();
    }
}
