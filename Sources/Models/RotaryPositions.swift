import Glibc

/// Rotary positions (Su et al., 2021): pairs of a head's columns turn with the token's position.
package struct RotaryPositions: Equatable, Sendable {
    /// The columns of a head that rotate, from the first on.
    package var width: Int
    /// Theta: pair i turns by `position * base^(-2 i / width)`.
    package var base: Double
    package var scaling: RotaryScaling
    /// Whether pairs are neighbours, and not half the width apart.
    package var isInterleaved = false

    package init(width: Int, base: Double, scaling: RotaryScaling = .none) {
        self.width = width
        self.base = base
        self.scaling = scaling
    }

    /// The angle by which each pair turns from one position to the next, for texts of `length` tokens.
    package func frequencies(length: Int) -> [Float] {
        let pairs = width / 2
        func plain(_ base: Double) -> [Double] {
            (0..<pairs).map { 1 / pow(base, Double(2 * $0) / Double(width)) }
        }
        let angles: [Double]
        switch scaling {
        case .none: angles = plain(base)
        case .linear(let factor): angles = plain(base).map { $0 / factor }
        case .ntk(let factor):
            angles = plain(base * factor).map { $0 / pow(factor, 2 / Double(width)) }
        case .dynamic(let factor, let positions):
            angles = plain(dynamicBase(factor, positions, length: length))
        case .yarn(let yarn): angles = yarn.frequencies(plain(base), base: base, width: width)
        case .llama3(let bands): angles = plain(base).map(bands.scaled)
        case .longrope(let long):
            angles = zip(plain(base), long.factors(length: length)).map { $0 / $1 }
        }
        return angles.map(Float.init)
    }

    /// What cosines and sines are multiplied by.
    var magnitude: Float {
        switch scaling {
        case .yarn(let yarn): Float(yarn.magnitude)
        case .longrope(let long): Float(long.magnitude)
        default: 1
        }
    }

    /// Whether a text's angles depend on its length.
    func dependsOnLength(_ length: Int) -> Bool {
        switch scaling {
        case .dynamic(_, let positions): length > positions
        case .longrope(let long): length > long.originalPositions
        default: false
        }
    }

    /// Theta for a text longer than the model was trained for (NTK-aware, by the text's own length).
    private func dynamicBase(_ factor: Double, _ positions: Int, length: Int) -> Double {
        guard length > positions, width > 2 else { return base }
        let stretch = factor * Double(length) / Double(positions) - (factor - 1)
        return base * pow(stretch, Double(width) / Double(width - 2))
    }
}

/// How rotary positions are stretched over texts longer than those of the training.
package enum RotaryScaling: Equatable, Sendable {
    case none
    /// All angles are divided.
    case linear(factor: Double)
    /// Theta is multiplied, and all angles are divided by `factor^(2 / width)` (Alibaba's NewModel).
    case ntk(factor: Double)
    /// Theta grows with the length of a text that has more than `positions` tokens.
    case dynamic(factor: Double, positions: Int)
    case yarn(YarnScaling)
    case llama3(Llama3Scaling)
    case longrope(LongRopeScaling)
}

/// YaRN (Peng et al., 2023): slow pairs are divided, fast ones left, those between blended.
package struct YarnScaling: Equatable, Sendable {
    package var factor: Double
    package var originalPositions: Double
    package var fast = 32.0
    package var slow = 1.0
    /// Whether the ramp's ends are whole pairs.
    package var truncates = true
    /// What cosines and sines are multiplied by.
    package var magnitude: Double

    package init(factor: Double, originalPositions: Double, magnitude: Double? = nil) {
        self.factor = factor
        self.originalPositions = originalPositions
        self.magnitude = magnitude ?? (factor > 1 ? 0.1 * log(factor) + 1 : 1)
    }

    func frequencies(_ plain: [Double], base: Double, width: Int) -> [Double] {
        func pair(_ rotations: Double) -> Double {
            Double(width) * log(originalPositions / (rotations * 2 * Double.pi)) / (2 * log(base))
        }
        var low = pair(fast)
        var high = pair(slow)
        if truncates {
            low = low.rounded(.down)
            high = high.rounded(.up)
        }
        low = max(low, 0)
        high = min(high, Double(width - 1))
        if low == high { high += 0.001 }
        return plain.enumerated().map { index, angle in
            let ramp = min(max((Double(index) - low) / (high - low), 0), 1)
            return angle / factor * ramp + angle * (1 - ramp)
        }
    }
}

/// Llama 3's bands of wavelengths: long ones are divided, short ones left, those between blended.
package struct Llama3Scaling: Equatable, Sendable {
    package var factor: Double
    package var lowFactor: Double
    package var highFactor: Double
    package var originalPositions: Double

    package init(
        factor: Double, lowFactor: Double, highFactor: Double, originalPositions: Double
    ) {
        self.factor = factor
        self.lowFactor = lowFactor
        self.highFactor = highFactor
        self.originalPositions = originalPositions
    }

    func scaled(_ angle: Double) -> Double {
        let wavelength = 2 * Double.pi / angle
        if wavelength > originalPositions / lowFactor { return angle / factor }
        if wavelength < originalPositions / highFactor { return angle }
        let smooth = (originalPositions / wavelength - lowFactor) / (highFactor - lowFactor)
        return (1 - smooth) * angle / factor + smooth * angle
    }
}

/// LongRoPE (Ding et al., 2024): a factor for each pair, by which its angle is divided.
package struct LongRopeScaling: Equatable, Sendable {
    /// For texts of up to `originalPositions` tokens.
    package var short: [Double]
    /// For longer ones.
    package var long: [Double]
    package var originalPositions: Int
    /// What cosines and sines are multiplied by.
    package var magnitude: Double

    /// - Parameter factor: by how much texts may be longer than `originalPositions`.
    package init(
        short: [Double], long: [Double], originalPositions: Int, factor: Double,
        magnitude: Double? = nil
    ) {
        self.short = short
        self.long = long
        self.originalPositions = originalPositions
        self.magnitude =
            magnitude
            ?? (factor > 1 ? (1 + log(factor) / log(Double(originalPositions))).squareRoot() : 1)
    }

    func factors(length: Int) -> [Double] { length > originalPositions ? long : short }
}

/// The cosines and sines of a batch's positions: `[positions, width / 2]` each.
///
/// They grow with the longest text; texts whose angles depend on their length have rows of their own
/// behind the common ones.
struct RotaryAngles {
    let rotary: RotaryPositions
    private(set) var cosine: [Float] = []
    private(set) var sine: [Float] = []
    /// The rows that all texts share.
    private var commonRows = 0
    /// The first row of each text of the batch; empty when all begin at 0.
    private var starts: [Int] = []

    init(_ rotary: RotaryPositions) {
        self.rotary = rotary
    }

    /// The row of a text's first token.
    func start(of text: Int) -> Int { starts.isEmpty ? 0 : starts[text] }

    /// Makes rows for a batch.
    mutating func prepare(_ batch: PackedBatch) {
        let pairs = rotary.width / 2
        var common = 0
        var hasOwn = false
        for text in 0..<batch.count {
            let length = batch.tokens(of: text).count
            if rotary.dependsOnLength(length) {
                hasOwn = true
            } else {
                common = max(common, length)
            }
        }
        cosine.removeLast(cosine.count - commonRows * pairs)
        sine.removeLast(sine.count - commonRows * pairs)
        starts.removeAll(keepingCapacity: true)
        if common > commonRows {
            append(positions: commonRows..<common, rotary.frequencies(length: 1))
            commonRows = common
        }
        guard hasOwn else { return }
        var rows = commonRows
        for text in 0..<batch.count {
            let length = batch.tokens(of: text).count
            guard rotary.dependsOnLength(length) else {
                starts.append(0)
                continue
            }
            starts.append(rows)
            append(positions: 0..<length, rotary.frequencies(length: length))
            rows += length
        }
    }

    private mutating func append(positions: Range<Int>, _ frequencies: [Float]) {
        let magnitude = rotary.magnitude
        cosine.reserveCapacity(cosine.count + positions.count * frequencies.count)
        sine.reserveCapacity(sine.count + positions.count * frequencies.count)
        for position in positions {
            // The product in float32, as the reference computes it.
            for frequency in frequencies {
                let angle = Float(position) * frequency
                cosine.append(cosf(angle) * magnitude)
                sine.append(sinf(angle) * magnitude)
            }
        }
    }
}
