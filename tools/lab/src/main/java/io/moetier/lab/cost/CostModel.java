package io.moetier.lab.cost;

import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.Overlap;
import io.moetier.storage.model.DType;
import java.util.Locale;
import java.util.Optional;

/// What a layer of a decoded token costs: the one formula by which simulations and reports compare.
/// A running engine adds up times by the same [Overlap] and divides missing experts by the same [Misses], and measures
/// these times itself.
///
/// Decoding reads every weight once per step and computes little on it, so bytes are most of what counts; a long prompt
/// may be bound by arithmetic, which is not modelled.
///
/// Where only speeds are known (a device, a profile by hand) it is a lower bound of the time:
/// `dense/β + max(experts/β, missing/β_P) + layerSeconds`, where β is the memory that the computing side reads, β_G of
/// a device, else β_H, and β_P the link, or the disk β_D: loads overlap with the work on what is there already.
/// Beside a device the processor may compute some of the missing experts out of β_H. Then it is
/// `dense/β_G + max(experts/β_G, copied/β_P, computed/β_H) + layerSeconds + handOff`; and what is copied behind a layer
/// holds up the copies of the next one, unless it is there before these begin.
///
/// Where `doctor` has measured [DecodeCosts] and the model is known, it is what the engine takes: `dense/β_d
/// + experts/β_e + n * expertSeconds + layerSeconds + width * widthSeconds + loads - overlap * min(loads,
/// hits)`, where β_d and β_e are the speeds at which kernels read the types of these weights, loads are
/// [LoadCosts], and all but the loads depends on how many bytes are read in turn, [ByWorkingSet]. Where
/// experts are loaded ahead, a share of what loads take longer is left, [LoadingAhead].
public final class CostModel {
    /// What the processor's part in a layer takes beside its experts, as a share of what the device's takes: inputs
    /// come to it in a copy that is waited for, and results go back in one.
    private static final double HAND_OFF = 0.5;

    private final MachineProfile machine;
    private final Misses misses;
    private final Optional<DecodeCosts> costs;
    private final Constants constants;
    private final boolean ahead;

    /// What does not depend on a layer's work.
    private record Constants(
            double denseRate, double expertRate, double layerSeconds, double expertSeconds, double tokenSeconds) {}

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
    /// @param misses the others
    /// @param brought experts that come there, for this layer or behind it; may be a mean
    public record Work(double denseBytes, double expertBytes, double hits, int misses, double brought) {
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
        /// What the processor computes beside a device.
        PROCESSOR,
        /// Neither: the work beside reading weights.
        OVERHEAD;

        /// Returns the name for people.
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private CostModel(
            MachineProfile machine, Misses misses, Optional<DecodeCosts> costs, Constants constants, boolean ahead) {
        if (misses != Misses.COPY
                && (!machine.hasDevice() || machine.hostBytesPerSecond().isEmpty())) {
            throw new IllegalArgumentException(
                    machine.name() + " has no device, or nobody knows how fast its main memory is");
        }
        this.machine = machine;
        this.misses = misses;
        this.costs = costs;
        this.constants = constants;
        this.ahead = ahead;
    }

    /// Returns the model of a machine by its speeds alone.
    ///
    /// @param misses what becomes of experts that a device lacks
    /// @throws IllegalArgumentException if the processor has a part in it, and there is no device or nobody knows
    ///     how fast main memory is
    public static CostModel ofSpeeds(MachineProfile machine, Misses misses) {
        return new CostModel(machine, misses, Optional.empty(), speeds(machine), false);
    }

    private static Constants speeds(MachineProfile machine) {
        double rate = machine.device()
                .map(MachineProfile.Device::bytesPerSecond)
                .orElseGet(() -> machine.hostBytesPerSecond().orElseThrow());
        return new Constants(rate, rate, machine.layerSeconds(), 0, 0);
    }

    /// Returns the model of a machine for a model, by what was measured, else by speeds.
    ///
    /// @param misses as of [#ofSpeeds(MachineProfile, Misses)]
    /// @param workingSet bytes of all weights that are read in turn
    public static CostModel of(MachineProfile machine, Misses misses, Traits traits, double workingSet) {
        Constants speeds = speeds(machine);
        Constants constants = machine.decodeCosts()
                .map(costs -> new Constants(
                        costs.bytesPerSecond(traits.denseType(), workingSet).orElse(speeds.denseRate),
                        costs.bytesPerSecond(traits.expertType(), workingSet).orElse(speeds.expertRate),
                        speeds.layerSeconds + costs.layerSeconds(traits.width(), workingSet),
                        costs.expertSeconds().at(workingSet),
                        traits.vocabulary() * costs.logitSeconds()))
                .orElse(speeds);
        return new CostModel(machine, misses, machine.decodeCosts(), constants, false);
    }

    /// Returns the model of the same, with experts loaded ahead of the layers as far as these can be guessed; what that
    /// brings is known where it was measured.
    public CostModel loadingAhead() {
        return new CostModel(machine, misses, costs, constants, true);
    }

    /// Returns the seconds that a token takes beside its layers.
    public double tokenSeconds() {
        return constants.tokenSeconds;
    }

    /// Returns how many of a layer's missing experts the processor computes beside a device.
    public int onProcessor(int missing, double expertBytes) {
        double[] processorTimes = new double[missing + 1];
        if (misses == Misses.AUTO) {
            for (int count = 1; count <= missing; count++) {
                processorTimes[count] = processing(count, expertBytes);
            }
        }
        return misses.onProcessor(missing, moving(expertBytes), processorTimes);
    }

    /// Returns the seconds that a layer takes.
    ///
    /// @throws IllegalArgumentException if it needs something that the machine has not
    public double seconds(Work work) {
        double beside = beside(work);
        double there = Overlap.time(moving(work), beside, overlap());
        double seconds = reading(work) + overhead(work) - beside + Overlap.time(there, processing(work), Overlap.WHOLE);
        double waits = Math.max(0, there - beside);
        return seconds - waits * (1 - aheadShare(work.expertBytes()));
    }

    private double aheadShare(double expertBytes) {
        return ahead ? costs.map(of -> of.fromDisk().ahead().at(expertBytes)).orElse(1.0) : 1;
    }

    /// What the time of a layer consists of, in seconds.
    ///
    /// @param dense weights that every token needs, and what is done beside reading weights
    /// @param experts those that are computed
    /// @param waits loads, as far as nothing is done meanwhile
    public record Parts(double dense, double experts, double waits) {
        public static final Parts NONE = new Parts(0, 0, 0);

        public Parts plus(Parts other) {
            return new Parts(dense + other.dense, experts + other.experts, waits + other.waits);
        }

        public Parts times(double factor) {
            return new Parts(factor * dense, factor * experts, factor * waits);
        }
    }

    /// Returns the parts of what [#seconds(Work)] returns.
    public Parts parts(Work work) {
        double experts =
                expertReading(work.experts() - onProcessor(work), work) + work.experts() * constants.expertSeconds;
        double dense = reading(work) + overhead(work) - experts;
        return new Parts(dense, experts, seconds(work) - dense - experts);
    }

    /// Returns what takes the longest in a layer.
    public Bound bound(Work work) {
        double reading = reading(work);
        double moving = moving(work);
        double processing = processing(work);
        double overhead = overhead(work);
        if (overhead > reading && overhead > moving && overhead > processing) {
            return Bound.OVERHEAD;
        }
        if (processing > reading && processing > moving) {
            return Bound.PROCESSOR;
        }
        return moving <= reading ? Bound.MEMORY : machine.hasDevice() ? Bound.LINK : Bound.DISK;
    }

    private int onProcessor(Work work) {
        return onProcessor(work.misses(), work.expertBytes());
    }

    private double reading(Work work) {
        return work.denseBytes() / constants.denseRate + expertReading(work.experts() - onProcessor(work), work);
    }

    private double expertReading(double experts, Work work) {
        return experts * work.expertBytes() / constants.expertRate;
    }

    private double overhead(Work work) {
        double ofDevice = constants.layerSeconds + work.experts() * constants.expertSeconds;
        return onProcessor(work) == 0 ? ofDevice : ofDevice + HAND_OFF * constants.layerSeconds;
    }

    private double processing(Work work) {
        return processing(onProcessor(work), work.expertBytes());
    }

    private double processing(int experts, double expertBytes) {
        return experts == 0
                ? 0
                : experts * expertBytes / machine.hostBytesPerSecond().orElseThrow();
    }

    private double moving(Work work) {
        return costs.map(of -> of.fromDisk().seconds(work.misses(), work.expertBytes()))
                .orElseGet(() -> copying(work));
    }

    private double copying(Work work) {
        int copied = work.misses() - onProcessor(work);
        if (copied == 0) {
            return 0; // nobody waits
        }
        double behind = moving((work.brought() - copied) * work.expertBytes());
        double before = work.denseBytes() / constants.denseRate + constants.layerSeconds;
        return moving(copied * work.expertBytes()) + Math.max(0, behind - before);
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
                ? expertReading(work.experts() - onProcessor(work), work)
                : expertReading(work.hits(), work) + work.hits() * constants.expertSeconds;
    }

    private double overlap() {
        return costs.map(of -> of.fromDisk().overlap()).orElse(Overlap.WHOLE);
    }
}
