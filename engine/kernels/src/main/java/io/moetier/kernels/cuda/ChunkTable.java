package io.moetier.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.StructWriter;
import java.lang.foreign.MemorySegment;

/// How kernels are told where the chunks of a cache lie: few addresses come with the launch, more are sent before.
final class ChunkTable {
    static final int MOST_FEW_ADDRESSES = 128;

    private final Staging staging;
    private final ParameterBlock parameter;

    /// @param parameter of the launches
    ChunkTable(Staging staging, ParameterBlock parameter) {
        this.staging = staging;
        this.parameter = parameter;
    }

    /// Returns where a table is on the device if it is too long for the launch, else 0.
    long stage(MemorySegment table, int addresses) {
        if (addresses <= MOST_FEW_ADDRESSES) {
            return 0;
        }
        long byteSize = (long) addresses * Long.BYTES;
        long offset = staging.reserve(byteSize);
        MemorySegment.copy(table, JAVA_LONG, 0, staging.host(), JAVA_LONG, offset, addresses);
        return staging.send(offset, byteSize);
    }

    /// Writes what [#stage] returned and, if that is 0, the addresses: the last of a launch's arguments.
    void write(StructWriter writer, MemorySegment table, long staged, int addresses) {
        writer.address(staged);
        if (staged == 0) {
            MemorySegment.copy(table, JAVA_LONG, 0, parameter.bytes(), JAVA_LONG, writer.at(), addresses);
        }
    }
}
