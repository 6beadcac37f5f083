/// The directions in which vectors vary most, by Lanczos's method with full reorthogonalisation: the eigenvectors of
/// XᵀX for the rows X of what is left when their mean is taken away.
///
/// Source: Golub and Van Loan, "Matrix Computations", 10.1 and 8.5 (Jacobi's method for the small matrix). It takes no
/// random numbers and does not depend on the number of threads.
struct PrincipalComponents {
    /// Unit vectors, the direction of the largest variance first; of each, the entry of the largest magnitude is positive.
    private(set) var directions: [[Double]] = []

    /// More steps than directions: by then those that are wanted have settled.
    private static let stepLimit = 144

    /// - Parameter rows: vectors of equal length.
    init(_ rows: [[Float]], count: Int) {
        guard let length = rows.first?.count, length > 0 else { return }
        let centred = Self.centred(rows, length)
        var basis: [[Double]] = []
        var products: [[Double]] = []
        let steps = min(Self.stepLimit, length, rows.count)
        var next = Self.start(length)
        while basis.count < steps {
            guard let unit = Self.orthonormalised(next, to: basis) else { break }
            basis.append(unit)
            let product = Self.product(centred, unit)
            products.append(product)
            next = product
        }
        // XᵀX as seen in the basis.
        let small = basis.map { row in products.map { Self.dot(row, $0) } }
        let order = Self.eigenvectors(small).sorted { $0.value > $1.value }
        let least = (order.first?.value ?? 0) * 1e-12
        directions = order.prefix(count).filter { $0.value > least }.map { pair in
            var direction = [Double](repeating: 0, count: length)
            for (weight, unit) in zip(pair.vector, basis) {
                for place in 0..<length { direction[place] += weight * unit[place] }
            }
            let largest = direction.max { abs($0) < abs($1) } ?? 0
            return largest < 0 ? direction.map { -$0 } : direction
        }
    }

    private static func centred(_ rows: [[Float]], _ length: Int) -> [[Double]] {
        var mean = [Double](repeating: 0, count: length)
        for row in rows { for place in 0..<length { mean[place] += Double(row[place]) } }
        return rows.map { row in
            (0..<length).map { Double(row[$0]) - mean[$0] / Double(rows.count) }
        }
    }

    /// Numbers that look like none in particular, so that no direction is left out.
    private static func start(_ length: Int) -> [Double] {
        (0..<length).map { sin(Double($0 + 1) * 1.618_033_988_749_895) }
    }

    /// What of a vector lies outside the basis, at length 1; nil where nothing does. Twice, as rounding demands.
    private static func orthonormalised(_ vector: [Double], to basis: [[Double]]) -> [Double]? {
        let before = dot(vector, vector).squareRoot()
        guard before > 0, before.isFinite else { return nil }
        var result = vector.map { $0 / before }
        for _ in 0..<2 {
            for unit in basis {
                let share = dot(result, unit)
                for place in result.indices { result[place] -= share * unit[place] }
            }
        }
        let norm = dot(result, result).squareRoot()
        guard norm > 1e-10 else { return nil }
        return result.map { $0 / norm }
    }

    /// XᵀXv
    private static func product(_ rows: [[Double]], _ vector: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: vector.count)
        for row in rows {
            let share = dot(row, vector)
            for place in result.indices { result[place] += share * row[place] }
        }
        return result
    }

    /// In eight sums, which the processor adds at once.
    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        a.withUnsafeBytes { left in
            b.withUnsafeBytes { right in
                var sums = SIMD8<Double>()
                var offset = 0
                while offset + 64 <= left.count {
                    sums +=
                        left.loadUnaligned(fromByteOffset: offset, as: SIMD8<Double>.self)
                        * right.loadUnaligned(fromByteOffset: offset, as: SIMD8<Double>.self)
                    offset += 64
                }
                var sum = sums.sum()
                while offset < left.count {
                    sum +=
                        left.loadUnaligned(fromByteOffset: offset, as: Double.self)
                        * right.loadUnaligned(fromByteOffset: offset, as: Double.self)
                    offset += 8
                }
                return sum
            }
        }
    }

    /// Of a symmetric matrix, by rotations that take its largest entries away.
    private static func eigenvectors(_ matrix: [[Double]]) -> [(value: Double, vector: [Double])] {
        var a = matrix
        let count = a.count
        var vectors = (0..<count).map { row in (0..<count).map { $0 == row ? 1.0 : 0 } }
        let size = a.reduce(0) { $0 + dot($1, $1) }.squareRoot()
        for _ in 0..<30 {
            let rest = a.indices.reduce(0.0) { sum, row in
                a[row].indices.reduce(sum) { $1 == row ? $0 : $0 + a[row][$1] * a[row][$1] }
            }
            guard rest.squareRoot() > 1e-14 * size else { break }
            for p in 0..<count {
                for q in p + 1..<count where abs(a[p][q]) > 1e-16 * size {
                    rotate(&a, &vectors, p, q)
                }
            }
        }
        return (0..<count).map { (a[$0][$0], vectors[$0]) }
    }

    /// A rotation of the axes p and q after which the matrix has a zero there; rows of `vectors` turn along.
    private static func rotate(_ a: inout [[Double]], _ vectors: inout [[Double]], _ p: Int, _ q: Int) {
        let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let tangent = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let cosine = 1 / (tangent * tangent + 1).squareRoot()
        let sine = tangent * cosine
        for k in a.indices {
            let (x, y) = (a[k][p], a[k][q])
            (a[k][p], a[k][q]) = (cosine * x - sine * y, sine * x + cosine * y)
        }
        for k in a.indices {
            let (x, y) = (a[p][k], a[q][k])
            (a[p][k], a[q][k]) = (cosine * x - sine * y, sine * x + cosine * y)
            let (u, v) = (vectors[p][k], vectors[q][k])
            (vectors[p][k], vectors[q][k]) = (cosine * u - sine * v, sine * u + cosine * v)
        }
    }
}
