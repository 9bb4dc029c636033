package io.moetier.lab.cost;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/// How fast a machine reads and moves weights: what the [CostModel] needs to know of it.
///
/// A profile is measured by `moetier doctor`, written by hand, or one of the named ones in `devices.json`, which are
/// made of published figures and say where those come from.
///
/// @param device the accelerator; nothing where the CPU computes
/// @param hostBytesPerSecond main memory as the CPU's kernels reach it
/// @param diskBytesPerSecond the disk that the experts lie on
/// @param cachedBytesPerSecond files that the system keeps in memory
/// @param layerSeconds what a layer takes beside reading weights: starting work and waiting for it
/// @param decodeCosts what else decoding costs where the CPU computes, if it was measured
public record MachineProfile(
        String name,
        Optional<Device> device,
        OptionalDouble hostBytesPerSecond,
        OptionalDouble diskBytesPerSecond,
        OptionalDouble cachedBytesPerSecond,
        double layerSeconds,
        Optional<DecodeCosts> decodeCosts) {
    /// The file of a cache folder that keeps what `doctor` has measured.
    public static final String FILE_NAME = "machine.json";

    private static final String DEVICE_MEMORY = "device_memory_bytes";
    private static final String DEVICES = "devices.json";
    private static final String DECODE_COSTS = "decode_costs"; // earlier versions have other figures, as "decoding"

    /// How fast an accelerator is.
    ///
    /// @param bytesPerSecond its memory as kernels reach it
    /// @param linkBytesPerSecond from main memory into its own
    /// @param memoryBytes how much it has, if that is known
    public record Device(double bytesPerSecond, double linkBytesPerSecond, OptionalLong memoryBytes) {}

    /// @throws IllegalArgumentException if there is nothing that computes, or no way that experts come there
    public MachineProfile {
        if (device.isEmpty() && (hostBytesPerSecond.isEmpty() || diskBytesPerSecond.isEmpty())) {
            throw new IllegalArgumentException("a machine without a device needs the speed of its memory and its disk");
        }
        if (device.isPresent() && decodeCosts.isPresent()) {
            throw new IllegalArgumentException("costs of decoding are those of a CPU, not of a device");
        }
    }

    /// Returns the profile of a machine whose CPU computes and whose experts come from disk.
    public static MachineProfile ofHost(
            String name,
            double hostBytesPerSecond,
            double diskBytesPerSecond,
            double cachedBytesPerSecond,
            double layerSeconds) {
        return new MachineProfile(
                name,
                Optional.empty(),
                OptionalDouble.of(hostBytesPerSecond),
                OptionalDouble.of(diskBytesPerSecond),
                OptionalDouble.of(cachedBytesPerSecond),
                layerSeconds,
                Optional.empty());
    }

    /// Returns this machine with what decoding costs on it.
    public MachineProfile withDecodeCosts(DecodeCosts costs) {
        return new MachineProfile(
                name,
                device,
                hostBytesPerSecond,
                diskBytesPerSecond,
                cachedBytesPerSecond,
                layerSeconds,
                Optional.of(costs));
    }

    /// Says whether an accelerator computes.
    public boolean hasDevice() {
        return device.isPresent();
    }

    /// Returns this machine with a disk that is so many times as fast.
    public MachineProfile withDiskTimes(double factor) {
        return new MachineProfile(
                name,
                device,
                hostBytesPerSecond,
                diskBytesPerSecond.isEmpty()
                        ? diskBytesPerSecond
                        : OptionalDouble.of(factor * diskBytesPerSecond.getAsDouble()),
                cachedBytesPerSecond,
                layerSeconds,
                decodeCosts.map(costs -> costs.withDiskTimes(factor)));
    }

    /// Returns this machine, a device, with this disk below it.
    public MachineProfile withDisk(OptionalDouble bytesPerSecond) {
        return new MachineProfile(
                name, device, hostBytesPerSecond, bytesPerSecond, cachedBytesPerSecond, layerSeconds, decodeCosts);
    }

    /// Returns this machine for a model whose file the system keeps in memory, so that nothing comes from the disk
    /// itself; this one if that speed is not known.
    public MachineProfile withCachedFiles() {
        return cachedBytesPerSecond.isEmpty()
                ? this
                : new MachineProfile(
                        name + " with its files in memory",
                        device,
                        hostBytesPerSecond,
                        cachedBytesPerSecond,
                        cachedBytesPerSecond,
                        layerSeconds,
                        decodeCosts.map(DecodeCosts::withCachedFiles));
    }

    /// Returns the names of the devices that there are profiles of.
    public static List<String> deviceNames() {
        return devices().requireObjects("devices").stream()
                .map(device -> device.requireString("name"))
                .toList();
    }

    /// Returns the profile of a device by its name, whose letters may be large or small.
    public static Optional<MachineProfile> ofDevice(String name) {
        return devices().requireObjects("devices").stream()
                .filter(device -> device.requireString("name").equalsIgnoreCase(name))
                .findFirst()
                .map(MachineProfile::parse);
    }

    /// Returns what a cache folder keeps of this machine, to be told beside something else: what cannot be read is
    /// not told.
    public static Optional<MachineProfile> kept(Path cacheDirectory) {
        try {
            Path file = cacheDirectory.resolve(FILE_NAME);
            return Files.exists(file) ? Optional.of(read(file)) : Optional.empty();
        } catch (MalformedModelException | UncheckedIOException e) {
            return Optional.empty(); // of another version
        }
    }

    /// Reads a profile from a file.
    ///
    /// @throws MalformedModelException if the file is no profile
    public static MachineProfile read(Path file) {
        return parse(Json.readObject(file));
    }

    /// Returns the fields of the file that [#read(Path)] reads.
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", name);
        device.ifPresent(of -> {
            fields.put("device_bytes_per_second", of.bytesPerSecond());
            fields.put("link_bytes_per_second", of.linkBytesPerSecond());
            of.memoryBytes().ifPresent(bytes -> fields.put(DEVICE_MEMORY, bytes));
        });
        hostBytesPerSecond.ifPresent(rate -> fields.put("host_bytes_per_second", rate));
        diskBytesPerSecond.ifPresent(rate -> fields.put("disk_bytes_per_second", rate));
        cachedBytesPerSecond.ifPresent(rate -> fields.put("cached_bytes_per_second", rate));
        fields.put("layer_seconds", layerSeconds);
        decodeCosts.ifPresent(costs -> fields.put(DECODE_COSTS, costs.fields()));
        return fields;
    }

    private static MachineProfile parse(JsonObject json) {
        OptionalDouble memory = rate(json, "device_bytes_per_second");
        OptionalDouble host = rate(json, "host_bytes_per_second");
        require(json, memory.isPresent() || host.isPresent(), "host_bytes_per_second");
        OptionalDouble link = rate(json, "link_bytes_per_second");
        require(json, memory.isPresent() == link.isPresent(), "link_bytes_per_second");
        OptionalDouble disk = rate(json, "disk_bytes_per_second");
        require(json, memory.isPresent() || disk.isPresent(), "disk_bytes_per_second");
        double layerSeconds = json.optionalDouble("layer_seconds").orElse(0.0);
        if (!(layerSeconds >= 0 && layerSeconds < 1)) {
            throw json.unexpected("layer_seconds", "seconds, from 0 to 1", layerSeconds);
        }
        OptionalDouble cached = rate(json, "cached_bytes_per_second");
        Optional<DecodeCosts> costs = json.optionalObject(DECODE_COSTS).map(DecodeCosts::parse);
        if (memory.isPresent() && costs.isPresent()) {
            throw json.unexpected(DECODE_COSTS, "nothing beside a device", "costs of a CPU");
        }
        Optional<Device> device = memory.isPresent()
                ? Optional.of(new Device(
                        memory.getAsDouble(),
                        link.getAsDouble(),
                        rate(json, DEVICE_MEMORY).stream()
                                .mapToLong(bytes -> (long) bytes)
                                .findFirst()))
                : Optional.empty();
        return new MachineProfile(json.requireString("name"), device, host, disk, cached, layerSeconds, costs);
    }

    private static void require(JsonObject json, boolean holds, String key) {
        if (!holds) {
            throw json.unexpected(
                    key,
                    "the rates of host and disk, or those of device and link",
                    json.asMap().get(key));
        }
    }

    private static OptionalDouble rate(JsonObject json, String key) {
        Optional<Double> rate = json.optionalDouble(key);
        if (rate.isPresent() && !(rate.get() > 0 && rate.get() < 1e18)) {
            throw json.unexpected(key, "bytes per second", rate.get());
        }
        return rate.isPresent() ? OptionalDouble.of(rate.get()) : OptionalDouble.empty();
    }

    private static JsonObject devices() {
        try (InputStream in = Objects.requireNonNull(MachineProfile.class.getResourceAsStream(DEVICES))) {
            return Json.parseObject(in.readAllBytes(), Path.of(DEVICES));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
