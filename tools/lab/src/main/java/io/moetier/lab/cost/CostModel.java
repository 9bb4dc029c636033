package io.moetier.lab.cost;

import io.moetier.runtime.offload.Overlap;
import io.moetier.storage.model.DType;
import java.util.Locale;
import java.util.Optional;

/// What a layer of a decoded token costs: the one formula by which simulations and reports compare.
/// Placements of a running engine add up times by the same [Overlap], and measure these themselves.
///
/// Decoding reads every weight once per step and computes little on it, so bytes are most of what counts; a long prompt
/// may be bound by arithmetic, which is not modelled.
///
/// Where only speeds are known (a device, a profile by hand) it is a lower bound of the time:
/// `dense/β + max(experts/β, missing/β_P) + layerSeconds`, where β is the memory that the computing side reads, β_G of
/// a device, else β_H, and β_P the link, or the disk β_D: loads overlap with the work on what is there already.
///
/// Where `doctor` has measured [DecodeCosts] and the model is known, it is what the engine takes:
/// `dense/β_d + experts/β_e + n * expertSeconds + layerSeconds + width * widthSeconds + loads - overlap * min(loads,
/// hits)`, where β_d and β_e are the speeds at which kernels read the types of these weights, loads are [LoadCosts],
/// and all but the loads depends on how many bytes are read in turn, [ByWorkingSet].
public final class CostModel {
    private final MachineProfile machine;
    private final Optional<DecodeCosts> costs;
    private final double denseRate;
    private final double expertRate;
    private final double layerSeconds;
    private final double expertSeconds;
    private final double tokenSeconds;

    /// What is known of a model beside how large it is.
    ///
    /// @param denseType of the weights that every token needs
    /// @param expertType of the experts
    /// @param width elements of the residual stream
    /// @param vocabulary tokens that sampling chooses among
    public record Traits(DType denseType, DType expertType, int width, int vocabulary) {}

    /// What a layer needs in one step.
    ///
    /// @param denseBytes weights that every token needs: attention, norms, router, shared experts
    /// @param expertBytes one expert
    /// @param hits experts that lie where they are computed; may be a mean
    /// @param misses experts that have to come there
    public record Work(double denseBytes, double expertBytes, double hits, int misses) {
        double experts() {
            return hits + misses;
        }
    }

    /// What may bound a layer.
    public enum Bound {
        /// The memory that the computing side reads.
        MEMORY,
        LINK,
        DISK,
        /// Neither: the work beside reading weights.
        OVERHEAD;

        /// Returns the name for people.
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private CostModel(
            MachineProfile machine,
            Optional<DecodeCosts> costs,
            double denseRate,
            double expertRate,
            double layerSeconds,
            double expertSeconds,
            double tokenSeconds) {
        this.machine = machine;
        this.costs = costs;
        this.denseRate = denseRate;
        this.expertRate = expertRate;
        this.layerSeconds = layerSeconds;
        this.expertSeconds = expertSeconds;
        this.tokenSeconds = tokenSeconds;
    }

    /// Returns the model of a machine by its speeds alone.
    public static CostModel ofSpeeds(MachineProfile machine) {
        double rate = machine.device()
                .map(MachineProfile.Device::bytesPerSecond)
                .orElseGet(() -> machine.hostBytesPerSecond().orElseThrow());
        return new CostModel(machine, Optional.empty(), rate, rate, machine.layerSeconds(), 0, 0);
    }

    /// Returns the model of a machine for a model, by what was measured, else by speeds.
    ///
    /// @param workingSet bytes of all weights that are read in turn
    public static CostModel of(MachineProfile machine, Traits traits, double workingSet) {
        CostModel speeds = ofSpeeds(machine);
        return machine.decodeCosts()
                .map(costs -> new CostModel(
                        machine,
                        Optional.of(costs),
                        costs.bytesPerSecond(traits.denseType(), workingSet).orElse(speeds.denseRate),
                        costs.bytesPerSecond(traits.expertType(), workingSet).orElse(speeds.expertRate),
                        machine.layerSeconds() + costs.layerSeconds(traits.width(), workingSet),
                        costs.expertSeconds().at(workingSet),
                        traits.vocabulary() * costs.logitSeconds()))
                .orElse(speeds);
    }

    /// Returns the seconds that a token takes beside its layers.
    public double tokenSeconds() {
        return tokenSeconds;
    }

    /// Returns the seconds that a layer takes.
    ///
    /// @throws IllegalArgumentException if it needs something that the machine has not
    public double seconds(Work work) {
        double beside = beside(work);
        return reading(work) + overhead(work) - beside + Overlap.time(moving(work), beside, overlap());
    }

    /// Returns what takes the longest in a layer.
    public Bound bound(Work work) {
        double reading = reading(work);
        double moving = moving(work);
        double overhead = overhead(work);
        if (overhead > reading && overhead > moving) {
            return Bound.OVERHEAD;
        }
        return moving <= reading ? Bound.MEMORY : machine.hasDevice() ? Bound.LINK : Bound.DISK;
    }

    private double reading(Work work) {
        return work.denseBytes() / denseRate + expertReading(work.experts(), work);
    }

    private double expertReading(double experts, Work work) {
        return experts * work.expertBytes() / expertRate;
    }

    private double overhead(Work work) {
        return layerSeconds + work.experts() * expertSeconds;
    }

    private double moving(Work work) {
        return costs.map(of -> of.fromDisk().seconds(work.misses(), work.expertBytes()))
                .orElseGet(() -> moving(work.misses() * work.expertBytes()));
    }

    private double moving(double bytes) {
        double rate = machine.device()
                .map(MachineProfile.Device::linkBytesPerSecond)
                .orElseGet(() -> machine.diskBytesPerSecond().orElseThrow());
        return bytes / rate;
    }

    /// Returns what the work takes that may go on while experts are loaded.
    private double beside(Work work) {
        return costs.isEmpty()
                ? expertReading(work.experts(), work)
                : expertReading(work.hits(), work) + work.hits() * expertSeconds;
    }

    private double overlap() {
        return costs.map(of -> of.fromDisk().overlap()).orElse(Overlap.WHOLE);
    }
}
