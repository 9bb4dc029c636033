package io.moetier.cli.option;

import static io.moetier.runtime.option.InvalidOptionException.require;

import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.remote.ExpertNodesFactory;
import io.moetier.runtime.session.Compute;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Memory;
import io.moetier.runtime.session.Numerics;
import io.moetier.runtime.session.Offloading;
import io.moetier.runtime.session.PhysicalCores;
import io.moetier.runtime.session.PolicyChoice;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.memory.ByteSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Which model is run, and how.
@About(Topic.MEMORY)
public final class ModelOptions {
    private static final String AUTO = "auto";

    @Parameters(
            index = "0",
            paramLabel = "MODEL",
            description =
                    "A store (NAME.mtier), or a checkpoint directory or GGUF file, which is imported on first use, or a"
                            + " name: hf:ORG/REPO[:Q4_K_M], which is downloaded, ollama:NAME or lmstudio:ORG/REPO/FILE.")
    public Path model = Path.of("");

    @About(Topic.USUAL)
    @Option(
            names = "--device",
            order = 7,
            paramLabel = "cpu|cuda[:N][,…]|emulated[:GPU][,…]|simulated[:GPU]|auto",
            description =
                    "What computes: the processor, a GPU by its number, a GPU that is not there (as rtx3060 or rtx4090,"
                            + " slow), the processor at the virtual time of such a GPU, or a GPU if there is a usable"
                            + " one, else the processor; with commas, several GPUs share the experts; default: auto.")
    @Nullable
    DeviceChoice device;

    @About(Topic.DEVICE)
    @Option(
            names = "--vram",
            paramLabel = "SIZE",
            split = ",",
            hideParamSyntax = true,
            description =
                    "Budget of the GPU's memory: weights, keys and values, workspace, and experts in what is left;"
                            + " for several GPUs one size for each, or one for every one; default: what is free less a"
                            + " reserve.")
    @Nullable
    List<ByteSize> vram;

    @About(Topic.DEVICE)
    @Option(
            names = "--misses",
            paramLabel = "copy|cpu|auto",
            description = "What becomes of the experts that the GPU lacks: they are copied to it, the CPU computes them"
                    + " (which rounds differently), or some this way and some that, as is faster; default: copy.")
    @Nullable
    Misses misses;

    @About(Topic.DEVICE)
    @Option(
            names = "--activations",
            paramLabel = "f32|q8",
            description =
                    "What a GPU multiplies quantised weights by: float32, or for prompts eight bits, which is faster"
                            + " and rounds more; default: f32.")
    @Nullable
    ActivationType activations;

    private Optional<String> unsaid = Optional.empty();

    @About(Topic.USUAL)
    @Option(
            names = "--ram",
            order = 5,
            paramLabel = "SIZE",
            description = "Budget for experts in memory, such as 8M or 1.5G; default: what fits beside the rest.")
    @Nullable
    ByteSize ram;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            description = "Which expert leaves when memory is full: lru, lfu, lfu-decay, lfru, slru, tinylfu, static or"
                    + " gate, or layer:NAME for an equal share of memory per layer; auto takes gate where not all"
                    + " experts fit, else lru; default: auto.")
    @Nullable
    String policy;

    @Option(
            names = "--policy-file",
            paramLabel = "FILE",
            description = "Take policy and budget from a file that tune --save wrote; --ram overrides its budget.")
    @Nullable
    Path policyFile;

    @Option(
            names = "--census",
            paramLabel = "FILE",
            description = "Routing trace whose most used experts stay in memory, for --policy static.")
    @Nullable
    Path census;

    @Option(
            names = "--io",
            paramLabel = "mapped|pread|direct|auto",
            defaultValue = "auto",
            description =
                    "How experts are read from disk; auto is direct for a model larger than memory, else measures;"
                            + " default: ${DEFAULT-VALUE}.")
    IoMode io = IoMode.AUTO;

    @About(Topic.DEVICE)
    @Option(
            names = "--kernels",
            paramLabel = "auto|native|vector|plain",
            defaultValue = "auto",
            description =
                    "What computes on the CPU: native code, the Vector API or plain loops; auto takes the first that"
                            + " works.")
    KernelChoice kernels = KernelChoice.AUTO;

    @About(Topic.MODEL)
    @Option(
            names = "--kv",
            paramLabel = "f16|f32",
            defaultValue = "f16",
            description = "How keys and values are stored: two or four bytes each; default: ${DEFAULT-VALUE}.")
    KvType kv = KvType.F16;

    @Option(
            names = "--prefetch",
            paramLabel = "off|auto|on",
            defaultValue = "auto",
            description =
                    "Whether experts are loaded before a layer asks for them, behind those that one has asked for;"
                            + " auto does so for prompts, and for tokens where not all experts fit and it measures that this"
                            + " saves time; default: ${DEFAULT-VALUE}.")
    PrefetchChoice prefetch = PrefetchChoice.AUTO;

    @About(Topic.DEVICE)
    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Compute threads of the CPU; default: one per physical core.")
    int threads;

    @About(Topic.USUAL)
    @Option(
            names = "--ctx",
            order = 6,
            paramLabel = "N",
            defaultValue = "0",
            description = "Tokens that the context holds; default: the model's own limit, at most 4096, in"
                    + " perplexity at most 512.")
    public int contextLength;

    @About(Topic.MODEL)
    @Option(
            names = "--experts",
            paramLabel = "K",
            description = "Send each token to K experts of a layer instead of as many as the model was trained with:"
                    + " lossy; perplexity --reference tells what it costs.")
    @Nullable
    Integer experts;

    @About(Topic.MODEL)
    @Option(
            names = "--top-p-experts",
            paramLabel = "P",
            description = "Send each token to as few of its experts as have together the share P of the router's"
                    + " probability, at least one: lossy; for routers with softmax.")
    @Nullable
    Double topPExperts;

    @About(Topic.MODEL)
    @Option(
            names = "--max-kld",
            paramLabel = "X",
            description = "Leave experts of little weight out of generation, those first that would have to be loaded,"
                    + " while the estimated KL divergence from the whole model stays below X, such as 0.01: lossy;"
                    + " perplexity --calibrate comes first.")
    @Nullable
    Double maxKld;

    @About(Topic.MODEL)
    @Option(
            names = "--copies",
            paramLabel = "MODEL",
            description = "The same model in fewer bits: within --max-kld its experts may stand for those that would"
                    + " have to be loaded, as less of them is read; on the CPU.")
    @Nullable
    Path copies;

    private boolean limitedLater;

    @Mixin
    ClusterOptions cluster = new ClusterOptions();

    @About(Topic.CLUSTER)
    @Option(
            names = "--mixed",
            description =
                    "Take nodes of the cluster whose kernels compute other bits, too: results depend on who computed"
                            + " what.")
    boolean mixed;

    @About(Topic.CLUSTER)
    @Option(
            names = "--nodes",
            paramLabel = "auto|always",
            description =
                    "Whether nodes compute: auto measures the way to them and predicts whether a token takes less time"
                            + " so, and says it; where a GPU computes here they always do; default: auto.")
    @Nullable
    NodeChoice nodes;

    /// Returns the options as the engine takes them.
    ///
    /// @throws IllegalArgumentException if one cannot be or they contradict each other
    public EngineConfig config(Surroundings surroundings, Streams streams) {
        Optional<PolicyFile> saved = Optional.ofNullable(policyFile).map(PolicyFile::read);
        if (policy != null && saved.isPresent()) {
            throw new IllegalArgumentException("--policy and --policy-file: expected one of them");
        }
        if (copies != null) {
            require(
                    maxKld != null || limitedLater,
                    "copies",
                    "none without a limit of what they may lose, which --max-kld sets",
                    copies);
        }
        PolicyChoice leaving = policyChoice(saved);
        requireThreads(threads);
        OptionalLong ramBytes = ramBytes(saved);
        List<DeviceFactory> devices = devices(surroundings, streams);
        return new EngineConfig(
                new Compute(devices, threads, kernels, Optional.empty(), nodes(surroundings, streams)),
                new Memory(contextLength, ramBytes, vramBytes(), 0),
                new Offloading(leaving, io, prefetch, misses == null ? Misses.COPY : misses),
                new Numerics(kv, selection()));
    }

    /// Returns what connects with the nodes of a cluster, if one was named.
    private Optional<ExpertNodesFactory> nodes(Surroundings surroundings, Streams streams) {
        Optional<ClusterSettings> settings = cluster.settingsOfGuest();
        if (settings.isEmpty()) {
            if (mixed || nodes != null) {
                throw new IllegalArgumentException(
                        (mixed ? "--mixed is for nodes" : "--nodes") + ": of which cluster? --cluster NAME says it");
            }
            return Optional.empty();
        }
        Belonging belonging = ClusterOptions.belonging(settings.get(), surroundings);
        ClusterNodes.Asked asked = new ClusterNodes.Asked(mixed, threads, nodes != NodeChoice.ALWAYS, io);
        return Optional.of(new ClusterNodes(belonging, asked, surroundings, streams));
    }

    private PolicyChoice policyChoice(Optional<PolicyFile> saved) {
        String name = saved.map(PolicyFile::policy).orElse(policy == null ? AUTO : policy);
        if (saved.isEmpty() && name.equals(AUTO)) {
            require(
                    census == null,
                    "census",
                    "a routing trace for the policy static, and none for others",
                    census + " for " + AUTO);
            return PolicyChoice.AUTO;
        }
        if (!Policies.isKnown(name)) {
            throw new IllegalArgumentException((saved.isPresent()
                            ? policyFile + ": policy must be one of "
                            : "--policy must be one of " + AUTO + ", ")
                    + Policies.describe() + ", not " + name);
        }
        return new PolicyChoice.Named(name, Optional.ofNullable(census));
    }

    private List<Long> vramBytes() {
        return vram == null ? List.of() : vram.stream().map(ByteSize::bytes).toList();
    }

    /// Returns the devices, none for the CPU; says why it is the CPU where a GPU was asked for, or is there but cannot
    /// be used.
    private List<DeviceFactory> devices(Surroundings surroundings, Streams streams) {
        boolean ofCpu = threads != 0 || kernels != KernelChoice.AUTO;
        DeviceChoice choice = device != null ? device : ofCpu ? new DeviceChoice.Cpu() : new DeviceChoice.Auto();
        ChosenDevice chosen =
                ChosenDevice.of(choice, activations == null ? ActivationType.F32 : activations, surroundings);
        if (!chosen.factories().isEmpty() && ofCpu && (misses == null || misses == Misses.COPY)) {
            throw new IllegalArgumentException(
                    "--threads and --kernels are for --device cpu, and for --misses cpu or auto");
        }
        if (chosen.factories().isEmpty() && misses != null) {
            throw new IllegalArgumentException("--misses is for what a GPU lacks, but this runs on the CPU"
                    + chosen.whyCpu().map(reason -> ": " + reason).orElse(""));
        }
        if (chosen.factories().isEmpty() && vram != null) {
            throw new IllegalArgumentException("--vram is for a GPU, but this runs on the CPU"
                    + chosen.whyCpu().map(reason -> ": " + reason).orElse(""));
        }
        if (chosen.factories().isEmpty() && activations != null) {
            throw new IllegalArgumentException(
                    "--activations is for a GPU, but this runs on the CPU, whose kernels have"
                            + " activations of their own"
                            + chosen.whyCpu().map(reason -> ": " + reason).orElse(""));
        }
        if (device != null || chosen.isInstalled()) {
            chosen.whyCpu().ifPresent(reason -> noteCpu(reason, streams));
        } else {
            unsaid = chosen.whyCpu();
        }
        boolean isAsked = vram != null || misses != null || activations != null;
        return choice instanceof DeviceChoice.Auto && !isAsked ? chosen.optional() : chosen.factories();
    }

    private static void noteCpu(String reason, Streams streams) {
        streams.note("running on the CPU: " + reason);
    }

    /// Says why it is the CPU, for those who want figures, where there is no driver and nobody asked for a device.
    public void noteCpu(Streams streams) {
        unsaid.ifPresent(reason -> noteCpu(reason, streams));
    }

    /// Checks that no loss is allowed, which would do nothing.
    ///
    /// @param command that computes a prompt and generates nothing
    public void requireNoLimit(String command) {
        if (maxKld != null) {
            throw new InvalidOptionException(
                    "maxKld",
                    "expected none: experts are left out of generation, and " + command + " computes a prompt, found "
                            + maxKld);
        }
    }

    /// Notes that what copies in fewer bits may lose is not said by --max-kld.
    public void limitLater() {
        limitedLater = true;
    }

    /// Says whether tokens are sent to other experts than the model was trained with.
    public boolean isLossy() {
        return OptionFlags.lossy(selection()).isPresent();
    }

    private ExpertSelection selection() {
        return new ExpertSelection(
                experts == null ? OptionalInt.empty() : OptionalInt.of(experts),
                topPExperts == null ? OptionalDouble.empty() : OptionalDouble.of(topPExperts),
                maxKld == null ? OptionalDouble.empty() : OptionalDouble.of(maxKld),
                Optional.ofNullable(copies));
    }

    private OptionalLong ramBytes(Optional<PolicyFile> saved) {
        if (ram != null) {
            return OptionalLong.of(ram.bytes());
        }
        Optional<Long> bytes = saved.flatMap(PolicyFile::ramBytes);
        return bytes.isPresent() ? OptionalLong.of(bytes.get()) : OptionalLong.empty();
    }

    /// Checks a number of threads.
    ///
    /// @throws IllegalArgumentException if there would only be more waiting
    public static void requireThreads(int threads) {
        if (threads < 0) {
            throw new IllegalArgumentException("--threads must be 0 or more, not " + threads);
        }
        if (threads > PhysicalCores.mostThreads()) {
            throw new IllegalArgumentException("--threads must be " + PhysicalCores.limit() + ", not " + threads);
        }
    }
}
