package io.moetier.lab.device;

import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.kernels.device.DeviceStream;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.ProductSizes;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// An emulated device whose copies do not wait for events: the mistake that tests must see.
final class ForgetfulCuda implements DeviceFactory {
    private final EmulatedCuda emulated;

    ForgetfulCuda(EmulatedOptions options) {
        emulated = new EmulatedCuda(options, Optional.empty());
    }

    @Override
    public Device open() {
        return new Forgetful(emulated.open());
    }

    @Override
    public void close() {
        emulated.close();
    }

    private record Forgetful(Device device) implements Device {
        @Override
        public DeviceStream newStream() {
            DeviceStream stream = device.newStream();
            return new DeviceStream() {
                @Override
                public void copy(MemorySegment from, MemorySegment to) {
                    stream.copy(from, to);
                }

                @Override
                public void await(DeviceEvent event) {}

                @Override
                public void synchronize() {
                    stream.synchronize();
                }

                @Override
                public void close() {
                    stream.close();
                }
            };
        }

        @Override
        public String description() {
            return device.description();
        }

        @Override
        public DeviceBuffer allocate(int length) {
            return device.allocate(length);
        }

        @Override
        public DeviceBuffer allocate(int length, Arena arena) {
            return device.allocate(length, arena);
        }

        @Override
        public Arena newArena() {
            return device.newArena();
        }

        @Override
        public boolean readsMainMemory() {
            return device.readsMainMemory();
        }

        @Override
        public WeightMatrix hold(WeightMatrix matrix, Arena arena) {
            return device.hold(matrix, arena);
        }

        @Override
        public MemorySegment hold(MemorySegment bytes, Arena arena) {
            return device.hold(bytes, arena);
        }

        @Override
        public MemorySegment allocateSlab(long byteSize, Arena arena) {
            return device.allocateSlab(byteSize, arena);
        }

        @Override
        public MemorySegment allocatePinned(long byteSize, Arena arena) {
            return device.allocatePinned(byteSize, arena);
        }

        @Override
        public long availableBytes() {
            return device.availableBytes();
        }

        @Override
        public DeviceEvent newEvent() {
            return device.newEvent();
        }

        @Override
        public void upload(float[] src, int from, int n, DeviceBuffer dst, int at) {
            device.upload(src, from, n, dst, at);
        }

        @Override
        public void download(DeviceBuffer src, int from, int n, float[] dst, int at) {
            device.download(src, from, n, dst, at);
        }

        @Override
        public long workingBytes() {
            return device.workingBytes();
        }

        @Override
        public long workingBytes(ProductSizes largest) {
            return device.workingBytes(largest);
        }

        @Override
        public Kernels kernels() {
            return device.kernels();
        }

        @Override
        public void close() {
            device.close();
        }
    }
}
