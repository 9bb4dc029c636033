package io.moetier.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.ActivationType;
import io.moetier.storage.model.DType;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.ChildProcess.Ended;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The committed PTX, and the script that makes it.
class CudaBuildTest {
    private static final Path SOURCES = Path.of("src", "main", "cuda").toAbsolutePath();
    private static final Path SCRIPT = SOURCES.resolve("build.sh");
    private static final String SMALLEST = "recurrent";

    /// What the committed PTX was made with; others write other PTX from the same sources.
    private static final String COMPILER = "V13.0.88";

    private static final int NO_COMPILER = 3;

    @TempDir
    Path scratch;

    @Test
    void thePtxIsForOldDriversAndProcessors() {
        for (String name : KernelModules.names()) {
            List<String> lines = KernelModules.ptx(name).lines().limit(3).toList();
            assertEquals(List.of(".version 6.0", ".target sm_61", ".address_size 64"), lines, name);
        }
    }

    @Test
    void thePtxHasEveryKernel() {
        assertEquals(Set.of("activate_pairs", "copy_rows"), kernels("products"));
        assertEquals(Set.of("each_token"), kernels("tokens"));
        assertEquals(
                Set.of("causal_convolution", "compress", "linear_attention", "selective_scan"), kernels("recurrent"));
        assertEquals(26, kernels("attention").size());
        assertEquals(Set.of("round_to_one_digit", "round_to_three_digits"), kernels("rounded"));
        assertEquals(Set.of("choose_experts"), kernels("router"));
        for (DType dtype : DType.values()) {
            String type = dtype.label();
            assertEquals(
                    Set.of(
                            "multiply_one_" + type,
                            "multiply_" + type,
                            "multiply_gated_one_" + type,
                            "multiply_gated_" + type,
                            "embed_" + type),
                    kernels("products-" + type));
            if (ActivationType.Q8.rounds(dtype, ActivationType.LEAST_ROWS)) {
                assertEquals(Set.of("multiply_rounded_" + type), kernels("rounded-" + type));
            }
        }
        for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
            String type = dtype.label();
            assertEquals(Set.of("route_" + type, "route_one_" + type), kernels("router-" + type));
        }
    }

    @Test
    void eachFileOfPtxIsLoadedBySomebody() throws IOException {
        try (Stream<Path> files = Files.list(SOURCES.resolve("../resources/io/moetier/kernels/cuda"))) {
            Set<String> names = files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
            assertEquals(
                    KernelModules.names().stream().map(name -> name + ".ptx").collect(Collectors.toSet()), names);
        }
    }

    private static Set<String> kernels(String name) {
        Set<String> kernels = new TreeSet<>();
        Matcher entry = Pattern.compile("\\.visible \\.entry (\\w+)\\(").matcher(KernelModules.ptx(name));
        while (entry.find()) {
            kernels.add(entry.group(1));
        }
        return kernels;
    }

    @Test
    void thePtxIsWhatTheSourcesGave() throws IOException, NoSuchAlgorithmException {
        for (String name : KernelModules.names()) {
            String ptx = KernelModules.ptx(name);
            int end = ptx.lastIndexOf("// ");
            MessageDigest sum = MessageDigest.getInstance("SHA-256");
            for (Path source : sources(name)) {
                sum.update(Files.readAllBytes(source));
            }
            sum.update(ptx.substring(0, end).getBytes(StandardCharsets.UTF_8));
            assertEquals(
                    "// " + HexFormat.of().formatHex(sum.digest()) + "\n",
                    ptx.substring(end),
                    () -> "after a change, run " + SCRIPT + " for " + name);
        }
    }

    private static List<Path> sources(String name) throws IOException {
        try (Stream<Path> files = Files.list(SOURCES)) {
            Stream<Path> headers =
                    files.filter(file -> file.toString().endsWith(".cuh")).sorted();
            return Stream.concat(Stream.of(SCRIPT, SOURCES.resolve(name.replaceFirst("-.*", "") + ".cu")), headers)
                    .toList();
        }
    }

    /// The others take a minute.
    @Test
    void theScriptMakesTheSameOfTheSmallestSource() throws IOException, InterruptedException {
        Ended built = build("nvcc", scratch);
        if (built.exitCode() == NO_COMPILER) {
            System.out.println("CudaBuildTest: there is no nvcc, so no source is compiled");
            return;
        }
        assertEquals(0, built.exitCode(), built.said());
        if (!run("nvcc", "--version").said().contains(COMPILER)) {
            System.out.println("CudaBuildTest: nvcc is not " + COMPILER + ", so what it makes is not compared");
            return;
        }
        assertEquals(KernelModules.ptx(SMALLEST), Files.readString(scratch.resolve(SMALLEST + ".ptx")));
    }

    @Test
    void withoutACompilerTheScriptSaysSo() throws IOException, InterruptedException {
        Ended built = build("no-such-nvcc", scratch);
        assertEquals(NO_COMPILER, built.exitCode());
        assertEquals(
                "CUDA kernels: no-such-nvcc is not there; the PTX stays as it is",
                built.said().strip());
    }

    private static Ended build(String compiler, Path target) throws IOException, InterruptedException {
        return run("env", "NVCC=" + compiler, "/bin/sh", SCRIPT.toString(), target.toString(), SMALLEST);
    }

    private static Ended run(String... command) throws IOException, InterruptedException {
        return ChildProcess.run(new ProcessBuilder(command));
    }
}
