import TensorCore

extension TensorOperation {
    private static let words = [
        "transpose", "reshape", "concatenate", "split", "select", "stack", "insertZeros", "removeZeros",
    ]
    private static let mostAxes = 8

    /// One step of a row: an object with one key, the step's name.
    ///
    /// - Throws: `MappingError.invalidRule` that names the step and the key.
    init(rules value: JSONValue, at place: String) throws(MappingError) {
        let object = try RulesObject(value, at: place, keys: Self.words)
        guard let members = value.members, let step = members.first, members.count == 1 else {
            throw RulesObject.error("expected one step, such as {\"transpose\": [1, 0]}", at: place)
        }
        let place = object.place(of: step.key)
        switch step.key {
        case "transpose": self = .transpose(try Self.order(step.value, at: place))
        case "reshape":
            let text = try RulesObject.string(step.value, at: place)
            do throws(MappingError) {
                self = .reshape(try AxisPattern(parsing: text))
            } catch {
                throw RulesObject.error("\(error)", at: place)
            }
        case "concatenate":
            let (axis, ratios) = try Self.parts(step.value, at: place)
            self = .concatenate(axis: axis, ratios: ratios)
        case "split":
            let (axis, ratios) = try Self.parts(step.value, at: place)
            self = .split(axis: axis, ratios: ratios)
        case "select": self = .select(axis: try Self.only("axis", step.value, at: place))
        case "stack": self = .stack(axis: try Self.only("axis", step.value, at: place))
        case "insertZeros": self = .insertZeros(at: try Self.only("at", step.value, at: place))
        default: self = .removeZeros(at: try Self.only("at", step.value, at: place))
        }
    }

    private static func order(_ value: JSONValue, at place: String) throws(MappingError) -> [Int] {
        var order: [Int] = []
        for (value, place) in try RulesObject.elements(value, atMost: mostAxes, at: place) {
            order.append(try RulesObject.integer(value, in: 0...mostAxes - 1, at: place))
        }
        guard !order.isEmpty, order.sorted() == Array(0..<order.count) else {
            throw RulesObject.error(
                "expected each axis once, such as [1, 0], found \(order)", at: place)
        }
        return order
    }

    /// `{"axis": 0, "parts": 3}`, or `{"axis": 0, "ratios": [2, 1]}` where the parts differ in length.
    private static func parts(
        _ value: JSONValue, at place: String
    ) throws(MappingError) -> (axis: Int, ratios: [Int]) {
        let object = try RulesObject(value, at: place, keys: ["axis", "parts", "ratios"])
        _ = try object.required("axis")
        let axis = try object.integer("axis", in: 0...mostAxes - 1) ?? 0
        guard (object["parts"] == nil) != (object["ratios"] == nil) else {
            throw RulesObject.error("expected either \"parts\" or \"ratios\"", at: place)
        }
        if let parts = try object.integer("parts", in: 1...64) {
            return (axis, [Int](repeating: 1, count: parts))
        }
        var ratios: [Int] = []
        for (value, place) in try object.elements("ratios", atMost: 64) {
            ratios.append(try RulesObject.integer(value, in: 1...1 << 20, at: place))
        }
        guard !ratios.isEmpty else {
            throw RulesObject.error("expected one number or more", at: object.place(of: "ratios"))
        }
        return (axis, ratios)
    }

    private static func only(
        _ key: String, _ value: JSONValue, at place: String
    ) throws(MappingError) -> Int {
        let object = try RulesObject(value, at: place, keys: [key])
        return try RulesObject.integer(
            try object.required(key), in: 0...(key == "at" ? 64 : mostAxes - 1), at: object.place(of: key))
    }
}
