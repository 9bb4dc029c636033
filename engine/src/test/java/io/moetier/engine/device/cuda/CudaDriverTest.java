package io.moetier.engine.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// What can be said without a driver; the rest is tested with the emulated one, in tools.
class CudaDriverTest {
    @Test
    void aMissingDriverIsAnAnswer() {
        assertEquals(
                new CudaLookup.Absent("/no/such/library.so cannot be loaded as a CUDA driver", false),
                CudaDriver.find(Optional.of(Path.of("/no/such/library.so")), Optional.empty()));
    }
}
