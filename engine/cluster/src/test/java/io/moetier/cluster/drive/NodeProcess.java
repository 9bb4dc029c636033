package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.cluster.copy.NodeStore;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.node.ClusterNode;
import io.moetier.cluster.node.NodeHost;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.remote.KernelBits;
import io.moetier.testdata.ChildProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A node in a process of its own.
final class NodeProcess implements AutoCloseable {
    private final ChildProcess child;
    private final BufferedReader out;

    private NodeProcess(ChildProcess child) {
        this.child = child;
        out = child.process().inputReader(StandardCharsets.UTF_8);
    }

    static NodeProcess start(String name, Path secret, Path folder, String join) throws IOException {
        return new NodeProcess(
                java(NodeProcess.class, List.of(name, secret.toString(), folder.toString(), "127.0.0.1", "0", join)));
    }

    /// Starts one on a machine of several, which is cut off from the others at first if need be.
    static NodeProcess start(String name, Path secret, Path folder, Machines machines, int machine, boolean isCut)
            throws IOException {
        List<String> command = ChildProcess.java(
                NodeProcess.class,
                List.of(
                        name,
                        secret.toString(),
                        folder.toString(),
                        machines.host(machine),
                        Integer.toString(machines.port(machine)),
                        machines.join(machine)));
        return new NodeProcess(start(machines.on(machine, isCut, command)));
    }

    /// Starts a program of these tests.
    static ChildProcess java(Class<?> program, List<String> arguments) throws IOException {
        return start(ChildProcess.java(program, arguments));
    }

    private static ChildProcess start(List<String> command) throws IOException {
        return ChildProcess.start(new ProcessBuilder(command).redirectError(Redirect.DISCARD));
    }

    /// Waits until such a program says that it is there.
    static void awaitHere(ChildProcess child) throws IOException {
        assertEquals("here", child.process().inputReader(StandardCharsets.UTF_8).readLine());
    }

    /// Waits until it is a member.
    void awaitMember() throws IOException {
        assertEquals("here", out.readLine());
    }

    /// Waits until it says that another one has come.
    void awaitOther(String name) throws InterruptedException {
        TestCluster.await(() -> {
            try {
                return out.ready() && out.readLine().equals("+" + name);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /// Ends it at once, as a machine does that loses its power.
    void kill() {
        child.process().destroyForcibly();
    }

    /// Stops the process as it is; its connections stay open.
    void hang() {
        signal("STOP");
    }

    /// Lets it go on.
    void resume() {
        signal("CONT");
    }

    private void signal(String signal) {
        try {
            int code = new ProcessBuilder(
                            "kill", "-" + signal, Long.toString(child.process().pid()))
                    .start()
                    .waitFor();
            if (code != 0) {
                throw new AssertionError("kill: " + code);
            }
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        child.close();
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path folder = Path.of(arguments[2]);
        try (CpuDevice device = CpuDevice.open(1, KernelChoice.AUTO);
                ClusterNode node = ClusterNode.start(
                        TestCluster.belonging(
                                arguments[3],
                                Integer.parseInt(arguments[4]),
                                arguments[5],
                                Optional.of(Path.of(arguments[1]))),
                        new NodeHost.Node(
                                arguments[0], TestCluster.VERSION, KernelBits.of(device), 1, 256 << 20, 1e9, 1e9),
                        manifest -> NodeStore.open(List.of(), folder, manifest),
                        device,
                        _ -> {})) {
            System.out.println("here");
            node.membership().listen(new MembershipListener() {
                @Override
                public void onJoined(Member member) {
                    System.out.println("+" + member.name());
                }

                @Override
                public void onLeft(Member member) {}
            });
            node.awaitDrained();
        }
    }
}
