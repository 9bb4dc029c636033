package io.moetier.engine.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.engine.offload.CostModel.Bound;
import io.moetier.engine.offload.CostModel.Work;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CostModelTest {
    private static final MachineProfile CPU = MachineProfile.ofHost("cpu", 10e9, 1e9, 4e9, 0);
    private static final MachineProfile GPU = new MachineProfile(
            "gpu",
            OptionalDouble.of(100e9),
            OptionalDouble.of(10e9),
            OptionalDouble.of(20e9),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            10e-6);

    @TempDir
    Path directory;

    @Test
    void aCpuReadsWhatIsThereWhileTheDiskDelivers() {
        CostModel model = new CostModel(CPU);
        Work resident = model.work(1e6, 3e6, 0);
        assertEquals(4e6 / 10e9, model.seconds(resident), 1e-12);
        assertEquals(Bound.MEMORY, model.bound(resident));
        Work missing = model.work(1e6, 2e6, 1e6);
        assertEquals(1e6 / 10e9 + 1e6 / 1e9, model.seconds(missing), 1e-12);
        assertEquals(Bound.DISK, model.bound(missing));
        assertEquals(1e6 / 10e9 + 3e6 / 10e9, new CostModel(CPU.withCachedFiles()).seconds(missing), 1e-12);
        assertEquals(GPU, GPU.withCachedFiles());
    }

    @Test
    void aDeviceReadsWhileTheLinkDelivers() {
        CostModel model = new CostModel(GPU);
        Work missing = model.work(0, 4e6, 1e6);
        assertEquals(1e6 / 10e9 + 10e-6, model.seconds(missing), 1e-12);
        assertEquals(Bound.LINK, model.bound(missing));
        assertEquals(Bound.OVERHEAD, model.bound(model.work(0, 0.5e6, 0)));
        // 1 MB over the link takes 100 µs, as long as it takes to read 10 MB
        assertEquals(Bound.LINK, model.bound(model.work(4e6, 4e6, 1e6)));
        assertEquals(Bound.MEMORY, model.bound(model.work(6e6, 4e6, 1e6)));
    }

    @Test
    void aSpeedThatIsNotKnownIsAskedFor() {
        CostModel model = new CostModel(GPU);
        Work fromDisk = new Work(0, 0, 0, 1e6);
        String message = assertThrows(IllegalArgumentException.class, () -> model.seconds(fromDisk))
                .getMessage();
        assertEquals("the profile gpu does not say how fast this moves", message);
    }

    @Test
    void theKnownDevicesAreThere() {
        assertEquals(
                List.of("rtx3060", "rtx3090", "rtx4060ti", "rtx4090", "rtx5090", "h100"), MachineProfile.deviceNames());
        for (String name : MachineProfile.deviceNames()) {
            MachineProfile profile = MachineProfile.ofDevice(name).orElseThrow();
            double device = profile.deviceBytesPerSecond().orElseThrow();
            assertTrue(device > 5 * profile.linkBytesPerSecond().orElseThrow(), name);
        }
        assertTrue(MachineProfile.ofDevice("rtx1").isEmpty());
    }

    @Test
    void aProfileIsReadAsItWasWritten() throws IOException {
        for (MachineProfile profile : List.of(CPU, GPU, CPU.withCachedFiles())) {
            Path file = Files.writeString(directory.resolve("p.json"), Json.writePretty(profile.fields()));
            assertEquals(profile, MachineProfile.read(file));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"name":"a"} | host_bytes_per_second: expected the rates of host and disk, or those of device and link, found nothing
            {"name":"a","host_bytes_per_second":1e9} | disk_bytes_per_second: expected the rates of host and disk, or those of device and link, found nothing
            {"name":"a","device_bytes_per_second":1e9} | link_bytes_per_second: expected the rates of host and disk, or those of device and link, found nothing
            {"name":"a","host_bytes_per_second":0} | host_bytes_per_second: expected bytes per second, found 0.0
            {"name":"a","host_bytes_per_second":1e9,"disk_bytes_per_second":1e9,"layer_seconds":-1} | layer_seconds: expected seconds, from 0 to 1, found -1.0
            """)
    void errorsNameTheField(String json, String expected) throws IOException {
        Path file = Files.writeString(directory.resolve("p.json"), json);
        Exception error = assertThrows(MalformedModelException.class, () -> MachineProfile.read(file));
        assertEquals(file + ": " + expected, error.getMessage());
    }
}
