package io.moetier.lab.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.lab.cost.CostModel.Bound;
import io.moetier.lab.cost.CostModel.Traits;
import io.moetier.lab.cost.CostModel.Work;
import io.moetier.runtime.offload.Misses;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CostModelTest {
    private static final MachineProfile CPU = MachineProfile.ofHost("cpu", 10e9, 1e9, 4e9, 0);
    private static final MachineProfile GPU = new MachineProfile(
            "gpu",
            Optional.of(new MachineProfile.Device(100e9, 10e9, OptionalLong.of(8L << 30))),
            OptionalDouble.of(20e9),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            10e-6,
            Optional.empty());
    /// Halfway from the inverse of 1 MiB to that of 1 GiB.
    private static final double HALF_CACHED = 2 / (Math.pow(2, -20) + Math.pow(2, -30));

    private static final MachineProfile MEASURED = CPU.withDecodeCosts(new DecodeCosts(
            Map.of(
                    DType.Q8_0, ByWorkingSet.of(Map.of(1L << 20, 40e9, 1L << 30, 20e9)),
                    DType.F32, ByWorkingSet.of(Map.of(1L << 20, 50e9))),
            ByWorkingSet.of(Map.of(1L << 20, 1e-6, 1L << 30, 5e-6)),
            ByWorkingSet.of(Map.of(1L << 20, 1e-9, 1L << 30, 2e-9)),
            ByWorkingSet.of(Map.of(1L << 20, 1e-6, 1L << 30, 2e-6)),
            3e-9,
            new LoadCosts(100e-6, 1e-10, 10e-6, 5e-10, 1, new LoadingAhead(1_000, 0.5, 100_000_000, 1)),
            new LoadCosts(50e-6, 0, 5e-6, 1e-10, 0, LoadingAhead.UNKNOWN)));
    private static final Traits TRAITS = new Traits(DType.F32, DType.Q8_0, 1000, 10_000);

    @TempDir
    Path directory;

    @Test
    void aCpuReadsWhatIsThereWhileTheDiskDelivers() {
        CostModel model = CostModel.ofSpeeds(CPU, Misses.COPY);
        Work resident = new Work(1e6, 1e6, 3, 0, 0);
        assertEquals(4e6 / 10e9, model.seconds(resident), 1e-12);
        assertEquals(Bound.MEMORY, model.bound(resident));
        Work missing = new Work(1e6, 1e6, 2, 1, 1);
        assertEquals(1e6 / 10e9 + 1e6 / 1e9, model.seconds(missing), 1e-12);
        assertEquals(Bound.DISK, model.bound(missing));
        CostModel cached = CostModel.ofSpeeds(CPU.withCachedFiles(), Misses.COPY);
        assertEquals(1e6 / 10e9 + 3e6 / 10e9, cached.seconds(missing), 1e-12);
        assertEquals(GPU, GPU.withCachedFiles());
    }

    @Test
    void aDeviceReadsWhileTheLinkDelivers() {
        CostModel model = CostModel.of(GPU, Misses.COPY, TRAITS, 1e9);
        Work missing = new Work(0, 1e6, 4, 1, 1);
        assertEquals(1e6 / 10e9 + 10e-6, model.seconds(missing), 1e-12);
        assertEquals(Bound.LINK, model.bound(missing));
        assertEquals(Bound.OVERHEAD, model.bound(new Work(0, 0.5e6, 1, 0, 0)));
        assertEquals(0, model.tokenSeconds());
        // 1 MB over the link takes 100 µs, as long as it takes to read 10 MB
        assertEquals(Bound.LINK, model.bound(new Work(4e6, 1e6, 4, 1, 1)));
        assertEquals(Bound.MEMORY, model.bound(new Work(6e6, 1e6, 4, 1, 1)));
    }

    /// Link and processor share what is missing; what the device reads is less than either.
    @Test
    void aProcessorComputesBesideADevice() {
        Work missing = new Work(1e6, 1e6, 2, 6, 3);
        double other = 1e6 / 100e9 + 10e-6;
        CostModel cpu = CostModel.ofSpeeds(GPU, Misses.CPU);
        assertEquals(6, cpu.onProcessor(6, 1e6));
        assertEquals(other + 5e-6 + 6e6 / 20e9, cpu.seconds(missing), 1e-12);
        assertEquals(Bound.PROCESSOR, cpu.bound(missing));
        CostModel auto = CostModel.ofSpeeds(GPU, Misses.AUTO);
        assertEquals(4, auto.onProcessor(6, 1e6));
        // the third one comes behind the layer before, whose end hides 20 of its 100 us
        assertEquals(other + 5e-6 + 2e6 / 10e9 + 80e-6, auto.seconds(missing), 1e-12);
        assertEquals(Bound.LINK, auto.bound(missing));
        assertEquals(other + 5e-6 + 4e6 / 20e9, auto.seconds(new Work(1e6, 1e6, 2, 6, 2)), 1e-12);
        assertEquals(
                CostModel.ofSpeeds(GPU, Misses.COPY).seconds(new Work(1e6, 1e6, 2, 0, 0)),
                auto.seconds(new Work(1e6, 1e6, 2, 0, 0)));
        for (MachineProfile alone : List.of(CPU, MEASURED)) {
            assertThrows(IllegalArgumentException.class, () -> CostModel.ofSpeeds(alone, Misses.AUTO));
        }
    }

    @Test
    void whatWasMeasuredCountsWhereTheModelIsKnown() {
        CostModel model = CostModel.of(MEASURED, Misses.COPY, TRAITS, 1 << 30);
        double layer = 5e-6 + 1000 * 2e-9;
        assertEquals(10_000 * 3e-9, model.tokenSeconds(), 1e-12);
        Work resident = new Work(5e6, 1e6, 4, 0, 0);
        double resting = 5e6 / 50e9 + 4e6 / 20e9 + 4 * 2e-6 + layer;
        assertEquals(resting, model.seconds(resident), 1e-12);
        assertEquals(Bound.MEMORY, model.bound(resident));
        double loads = 100e-6 + 100e-6 + 2 * (10e-6 + 500e-6);
        double hidden = 2 * (1e6 / 20e9 + 2e-6);
        Work missing = new Work(5e6, 1e6, 2, 2, 2);
        assertEquals(resting + loads - hidden, model.seconds(missing), 1e-12);
        assertEquals(Bound.DISK, model.bound(missing));
        CostModel ahead = model.loadingAhead(); // experts of 1 MB are three fifths of the way from 1 KB to 100 MB
        assertEquals(resting + 0.8 * (loads - hidden), ahead.seconds(missing), 1e-12);
        assertEquals(0.8 * (loads - hidden), ahead.parts(missing).waits(), 1e-12);
        assertEquals(resting, ahead.seconds(resident), 1e-12);
        CostModel cached = CostModel.of(MEASURED.withCachedFiles(), Misses.COPY, TRAITS, 1 << 30);
        assertEquals(resting + 50e-6 + 2 * 105e-6, cached.seconds(missing), 1e-12);
        assertEquals(cached.seconds(missing), cached.loadingAhead().seconds(missing));
        assertEquals(Bound.OVERHEAD, cached.bound(new Work(0, 1e3, 4, 0, 0)));
    }

    /// Caches hold what is read in turn, or they do not; in between they hold a share that falls as that grows.
    @Test
    void weightsComeFasterOutOfCaches() {
        DecodeCosts costs = MEASURED.decodeCosts().orElseThrow();
        assertEquals(40e9, costs.bytesPerSecond(DType.Q8_0, 1).orElseThrow());
        assertEquals(40e9, costs.bytesPerSecond(DType.Q8_0, 1 << 20).orElseThrow());
        assertEquals(30e9, costs.bytesPerSecond(DType.Q8_0, HALF_CACHED).orElseThrow(), 1e4); // bytes are whole
        assertEquals(20e9, costs.bytesPerSecond(DType.Q8_0, 1e12).orElseThrow());
        assertEquals(50e9, costs.bytesPerSecond(DType.F32, 1e12).orElseThrow());
        assertTrue(costs.bytesPerSecond(DType.BF16, 1).isEmpty());
        assertEquals(2e-6, costs.layerSeconds(1000, 1), 1e-12);
        assertEquals(1.5e-6, costs.expertSeconds().at(HALF_CACHED), 1e-12);
        assertThrows(IllegalArgumentException.class, () -> ByWorkingSet.of(Map.of()));
        Traits unknown = new Traits(DType.BF16, DType.BF16, 0, 0);
        assertEquals(
                1e6 / 10e9 + 1e-6,
                CostModel.of(MEASURED, Misses.COPY, unknown, 1).seconds(new Work(1e6, 0, 0, 0, 0)),
                1e-12);
    }

    @Test
    void theKnownDevicesAreThere() {
        List<String> names = MachineProfile.deviceNames();
        assertTrue(
                names.containsAll(List.of("rtx3060", "rtx3090", "rtx4060ti", "rtx4090", "rtx5090", "h100")),
                "" + names);
        assertEquals(24, names.stream().distinct().count());
        for (String name : names) {
            MachineProfile.Device device =
                    MachineProfile.ofDevice(name).orElseThrow().device().orElseThrow();
            assertTrue(device.bytesPerSecond() > 5 * device.linkBytesPerSecond(), name);
            assertTrue(device.memoryBytes().orElse(0) >= 6L << 30, name);
        }
        assertTrue(MachineProfile.ofDevice("rtx1").isEmpty());
    }

    @Test
    void aProfileIsReadAsItWasWritten() throws IOException {
        for (MachineProfile profile : List.of(CPU, GPU, CPU.withCachedFiles(), MEASURED)) {
            Path file = Files.writeString(directory.resolve("p.json"), Json.writePretty(profile.fields()));
            assertEquals(profile, MachineProfile.read(file));
        }
    }

    @Test
    void aProfileOfBeforeGainsNothingByLoadingAhead() throws IOException {
        String fields = Json.write(MEASURED.fields()).replace("\"ahead\"", "\"unknown\"");
        Path file = Files.writeString(directory.resolve("p.json"), fields);
        DecodeCosts costs = MachineProfile.read(file).decodeCosts().orElseThrow();
        assertEquals(LoadingAhead.UNKNOWN, costs.fromDisk().ahead());
        assertEquals(1, LoadingAhead.UNKNOWN.at(1e6));
    }

    @Test
    void whatIsLeftOfWaitsFollowsTheSizeOfExperts() {
        LoadingAhead ahead = new LoadingAhead(100, 0.5, 10_000, 0.9);
        assertEquals(0.5, ahead.at(0));
        assertEquals(0.5, ahead.at(100));
        assertEquals(0.7, ahead.at(1000), 1e-12);
        assertEquals(0.9, ahead.at(1e9));
        assertThrows(IllegalArgumentException.class, () -> new LoadingAhead(2, 1, 2, 1));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"name":"a"} | host_bytes_per_second: expected the rates of host and disk, or those of device and link, found nothing
            {"name":"a","host_bytes_per_second":1e9} | disk_bytes_per_second: expected the rates of host and disk, or those of device and link, found nothing
            {"name":"a","device_bytes_per_second":1e9} | link_bytes_per_second: expected the rates of host and disk, or those of device and link, found nothing
            {"name":"a","host_bytes_per_second":0} | host_bytes_per_second: expected bytes per second, found 0.0
            {"name":"a","host_bytes_per_second":1e9,"disk_bytes_per_second":1e9,"layer_seconds":-1} | layer_seconds: expected seconds, from 0 to 1, found -1.0
            {"name":"a","host_bytes_per_second":1e9,"disk_bytes_per_second":1e9,"decode_costs":{"bytes_per_second":{"q9":{}}}} | decode_costs.bytes_per_second: expected types of weights, found q9
            {"name":"a","host_bytes_per_second":1e9,"disk_bytes_per_second":1e9,"decode_costs":{"bytes_per_second":{"f32":{"9":0}}}} | decode_costs.bytes_per_second.f32.9: expected bytes, and bytes per second, found 0.0
            {"name":"a","host_bytes_per_second":1e9,"disk_bytes_per_second":1e9,"decode_costs":{"bytes_per_second":{"f32":{}}}} | decode_costs.bytes_per_second.f32: expected bytes, and bytes per second, found none
            {"name":"a","host_bytes_per_second":1e9,"disk_bytes_per_second":1e9,"decode_costs":{"bytes_per_second":{},"layer_seconds":{"1":0},"width_seconds":{"9":-1}}} | decode_costs.width_seconds.9: expected bytes, and seconds, found -1.0
            {"name":"a","host_bytes_per_second":1e9,"disk_bytes_per_second":1e9,"decode_costs":{"bytes_per_second":{},"layer_seconds":{"1":0},"width_seconds":{"1":0},"expert_seconds":{"1":0},"logit_seconds":0,"from_disk":{"first_seconds":0,"first_seconds_per_byte":0,"each_seconds":0,"each_seconds_per_byte":0,"overlap":0,"ahead":{"small_bytes":0,"large_bytes":2}}}} | decode_costs.from_disk.ahead.small_bytes: expected 1 or more, found 0
            {"name":"a","host_bytes_per_second":1e9,"disk_bytes_per_second":1e9,"decode_costs":{"bytes_per_second":{},"layer_seconds":{"1":0},"width_seconds":{"1":0},"expert_seconds":{"1":0},"logit_seconds":0,"from_disk":{"first_seconds":0,"first_seconds_per_byte":0,"each_seconds":0,"each_seconds_per_byte":0,"overlap":0,"ahead":{"small_bytes":2,"large_bytes":2}}}} | decode_costs.from_disk.ahead.large_bytes: expected more than small_bytes, found 2
            {"name":"a","host_bytes_per_second":1e9,"disk_bytes_per_second":1e9,"decode_costs":{"bytes_per_second":{},"layer_seconds":{"1":0},"width_seconds":{"1":0},"expert_seconds":{"1":0},"logit_seconds":0,"from_disk":{"first_seconds":0,"first_seconds_per_byte":0,"each_seconds":0,"each_seconds_per_byte":0,"overlap":0,"ahead":{"small_bytes":1,"large_bytes":2,"of_small":2}}}} | decode_costs.from_disk.ahead.of_small: expected a share from 0 to 1, found 2.0
            """)
    void errorsNameTheField(String json, String expected) throws IOException {
        Path file = Files.writeString(directory.resolve("p.json"), json);
        Exception error = assertThrows(MalformedModelException.class, () -> MachineProfile.read(file));
        assertEquals(file + ": " + expected, error.getMessage());
    }
}
