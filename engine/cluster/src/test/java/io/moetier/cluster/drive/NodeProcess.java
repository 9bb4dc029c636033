package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.cluster.copy.NodeStore;
import io.moetier.cluster.node.ClusterNode;
import io.moetier.cluster.node.NodeHost;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.remote.KernelBits;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A node in a process of its own.
final class NodeProcess implements AutoCloseable {
    private final ChildProcess child;

    private NodeProcess(ChildProcess child) {
        this.child = child;
    }

    static NodeProcess start(String name, Path secret, Path folder, String join) throws IOException {
        return new NodeProcess(java(NodeProcess.class, List.of(name, secret.toString(), folder.toString(), join)));
    }

    /// Starts a program of these tests.
    static ChildProcess java(Class<?> program, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        command.addAll(arguments);
        return ChildProcess.start(new ProcessBuilder(command).redirectError(Redirect.DISCARD));
    }

    /// Waits until such a program says that it is there.
    static void awaitHere(ChildProcess child) throws IOException {
        assertEquals("here", child.process().inputReader(StandardCharsets.UTF_8).readLine());
    }

    /// Waits until it is a member.
    void awaitMember() throws IOException {
        awaitHere(child);
    }

    /// Ends it at once, as a machine does that loses its power.
    void kill() {
        child.process().destroyForcibly();
    }

    /// Stops the process as it is; its connections stay open.
    void hang() {
        try {
            int code = new ProcessBuilder(
                            "kill", "-STOP", Long.toString(child.process().pid()))
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
                                0, List.of(arguments[3]), Optional.of(Path.of(arguments[1])), Optional.empty()),
                        new NodeHost.Node(
                                arguments[0], TestCluster.VERSION, KernelBits.of(device), 1, 256 << 20, 1e9, 1e9),
                        manifest -> NodeStore.open(List.of(), folder, manifest),
                        device,
                        _ -> {})) {
            System.out.println("here");
            node.awaitDrained();
        }
    }
}
