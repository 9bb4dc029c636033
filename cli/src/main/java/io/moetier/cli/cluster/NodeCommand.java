package io.moetier.cli.cluster;

import io.moetier.cli.doctor.MachineFile;
import io.moetier.cli.option.About;
import io.moetier.cli.option.ClusterOptions;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.Topic;
import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.ProgramVersion;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.copy.NodeStore;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.node.ClusterNode;
import io.moetier.cluster.node.NodeHost;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.cpu.VectorModule;
import io.moetier.kernels.cpu.bandwidth.MemoryBandwidth;
import io.moetier.lab.sweep.SweepNode;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.remote.KernelBits;
import io.moetier.runtime.session.MemoryPlan;
import io.moetier.runtime.session.NodeMemory;
import io.moetier.runtime.session.PhysicalCores;
import io.moetier.storage.memory.ByteSize;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Offers memory and cores of this machine to a cluster.
@Command(
        name = "node",
        description = "Hold experts of models for other machines of a cluster, and compute them here.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  moetier node --cluster home --host 192.168.1.5             the first one",
            "  moetier node --cluster home --join 192.168.1.5 --ram 24G   another one"
        })
public final class NodeCommand implements Callable<Integer> {
    private static final double UNKNOWN_DISK = 1e9; // bytes/s, where doctor has not measured it
    private static final long TRACE_BYTES = 1L << 30; // that sweeps may leave here

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ClusterOptions cluster = new ClusterOptions();

    @About(Topic.MEMORY)
    @Option(
            names = "--ram",
            paramLabel = "SIZE",
            description = "Memory for experts, such as 24G; default: what this machine can spare.")
    @Nullable
    ByteSize ram;

    @About(Topic.DEVICE)
    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Threads that compute; default: one per physical core.")
    int threads;

    @About(Topic.DEVICE)
    @Option(
            names = "--kernels",
            paramLabel = "auto|native|vector|plain",
            defaultValue = "auto",
            description = "What computes: native code, the Vector API or plain loops; drivers take only nodes whose"
                    + " kernels are theirs.")
    KernelChoice kernels = KernelChoice.AUTO;

    @About(Topic.CLUSTER)
    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "What people call this node; default: the host's name.")
    @Nullable
    String name;

    @About(Topic.MEMORY)
    @Option(
            names = "--folder",
            paramLabel = "DIR",
            description = "Where experts stay on this disk; default: a folder of the cache.")
    @Nullable
    Path folder;

    public NodeCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        ClusterSettings settings = cluster.settingsOfNode()
                .orElseThrow(() -> new IllegalArgumentException("--cluster NAME says which cluster to be a node of"));
        ModelOptions.requireThreads(threads);
        String called = called();
        Belonging belonging = Belonging.read(settings, surroundings.secretsDirectory());
        Path parts = partsFolder();
        long ramBytes = ramBytes(ram, NodeMemory.plan(), streams::note);
        if (kernels != KernelChoice.PLAIN) {
            VectorModule.load();
        }
        int numThreads = PhysicalCores.threads(threads);
        try (CleanStop _ = CleanStop.open();
                CpuDevice device = CpuDevice.open(numThreads, kernels, Optional.of(surroundings.cacheDirectory()));
                ClusterNode node = cluster.joinAsNode(
                        belonging,
                        at -> ClusterNode.start(
                                at,
                                new NodeHost.Node(
                                        called,
                                        ProgramVersion.get(),
                                        KernelBits.of(device),
                                        numThreads,
                                        ramBytes,
                                        MemoryBandwidth.roughly(numThreads),
                                        MachineFile.diskBytesPerSecond(surroundings.cacheDirectory())
                                                .orElse(UNKNOWN_DISK)),
                                manifest ->
                                        NodeStore.open(Stores.imported(surroundings.cacheDirectory()), parts, manifest),
                                device,
                                streams::note));
                SweepNode _ = SweepNode.offerTo(
                        node.membership(), surroundings.cacheDirectory().resolve("traces"), TRACE_BYTES, numThreads)) {
            tell(settings, node, ramBytes, device);
            node.awaitDrained();
            streams.note("asked to leave");
            return Failure.OK;
        } catch (InterruptedException e) {
            return Failure.INTERRUPTED;
        }
    }

    private void tell(ClusterSettings settings, ClusterNode node, long ramBytes, CpuDevice device) {
        Member self = node.membership().self();
        streams.print(String.format(
                Locale.ROOT,
                "node %s of cluster %s at %s: %s for experts, %s%n",
                self.name(),
                settings.cluster(),
                self.place(),
                ByteSize.format(ramBytes),
                device.description()));
        streams.flush();
        node.membership().members().stream()
                .filter(member -> !member.id().equals(self.id()))
                .forEach(member -> streams.note(described(member) + " is here"));
        node.membership().listen(new MembershipListener() {
            @Override
            public void onJoined(Member member) {
                streams.note(described(member) + " has come");
            }

            @Override
            public void onLeft(Member member) {
                streams.note(described(member) + " has left");
            }
        });
    }

    private static String described(Member member) {
        return member.offer().role().name().toLowerCase(Locale.ROOT) + " " + member.name();
    }

    /// Returns the folder for experts, which is there then and can be written to.
    private Path partsFolder() throws IOException {
        Path parts = folder == null ? surroundings.cacheDirectory().resolve("experts") : folder;
        if (Files.exists(parts) && !Files.isDirectory(parts)) {
            throw new IllegalArgumentException("--folder: expected a folder, found the file " + parts);
        }
        Files.createDirectories(parts);
        OutputFile.check(parts.resolve("experts"), "--folder");
        return parts;
    }

    private String called() {
        String called = name == null ? hostName() : name;
        try {
            Member.requireName(called);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("--" + e.getMessage(), e);
        }
        return called;
    }

    /// @param spare what there is for experts
    /// @param note is told if that is less than was asked for
    static long ramBytes(@Nullable ByteSize ram, MemoryPlan spare, Consumer<String> note) {
        if (ram == null) {
            if (spare.expertBytes() <= 0) {
                throw new IllegalArgumentException("--ram: there is no memory to spare for experts: " + spare.left());
            }
            return spare.expertBytes();
        }
        if (ram.bytes() == 0) {
            throw new IllegalArgumentException("--ram: expected memory for an expert at least, found 0 B");
        }
        spare.excess(ram.bytes()).ifPresent(excess -> note.accept("--ram: " + excess));
        return ram.bytes();
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "node";
        }
    }
}
