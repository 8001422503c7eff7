// Kinds of fields that several requests have.
import { HOLDING_ID, PROVIDER_ID } from '@app/revocation';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsISO8601, IsString, Length, Matches, ValidateBy, ValidateIf } from 'class-validator';

const ID = /^[\x21-\x7e]{1,200}$/;
const ENTRIES = 20;
const NAME_LENGTH = 64;
const VALUE_LENGTH = 1024;

/** May be left out; null is not the same as left out. */
export const Optional = () => ValidateIf((_, value) => value !== undefined);

/** May be left out: it stays; or null: there is none any more. */
export const OptionalOrNull = () => ValidateIf((_, value) => value !== undefined && value !== null);

/** An id that this directory gave out. */
export const IsDirectoryId = () => Matches(ID, { message: '$property is not an id of this service' });

/** An id that the caller may choose. */
export const IsChosenId = () =>
  Matches(HOLDING_ID, {
    message: '$property must be 1 to 128 letters, digits, ".", "_" and "-", beginning with a letter or digit',
  });

export const IsProviderId = () =>
  Matches(PROVIDER_ID, { message: '$property must be 1 to 64 of the characters a-z, 0-9 and "-"' });

const CONDITION_LENGTH = 4_096;

/** A filter; what is wrong with it is said by the directory. */
export const IsCondition = () =>
  applyDecorators(
    IsString({ message: '$property must be a text' }),
    Length(1, CONDITION_LENGTH, { message: `$property must have 1 to ${CONDITION_LENGTH} characters` }),
  );

/** One line of text for people. */
export const IsLine = () =>
  Matches(/^(?=.*\S)[^\p{Cc}]{1,200}$/u, { message: '$property must be one line of at most 200 characters' });

/** A token, key or other secret. Messages never hold a part of it. */
export const IsSecret = () =>
  applyDecorators(
    IsString({ message: '$property must be a text' }),
    Length(1, 65_536, { message: '$property must have 1 to 65536 characters' }),
  );

export const IsInstant = () =>
  applyDecorators(
    IsISO8601({ strict: true, strictSeparator: true }, { message: '$property must be ISO 8601' }),
    Matches(/(Z|[+-]\d\d:\d\d)$/, { message: '$property must name its time zone, such as Z' }),
  );

function isReference(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= ENTRIES &&
    entries.every(
      ([name, text]) => name.length <= NAME_LENGTH && typeof text === 'string' && text.length <= VALUE_LENGTH,
    )
  );
}

/** Non-secret identifiers by name. */
export const IsReference = () =>
  ValidateBy(
    { name: 'isReference', validator: { validate: isReference } },
    { message: `$property must be an object of at most ${ENTRIES} texts, each at most ${VALUE_LENGTH} characters` },
  );

/** On whose behalf, and through which agent. At least one of the two. */
export class HolderFields {
  @ApiPropertyOptional({ description: 'The person on whose behalf it is held.' })
  @Optional()
  @IsDirectoryId()
  userId?: string;

  @ApiPropertyOptional({ description: 'The agent that holds it. At least one of userId and agentId is required.' })
  @Optional()
  @IsDirectoryId()
  agentId?: string;
}

/** What is held at a provider. */
export class HeldFields extends HolderFields {
  @ApiPropertyOptional({ description: 'Chosen by the platform; random when absent.' })
  @Optional()
  @IsChosenId()
  id?: string;

  @ApiProperty()
  @IsProviderId()
  providerId: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'Non-secret identifiers that the connector needs, such as {"queue": "...", "schedulerId": "..."}.',
  })
  @Optional()
  @IsReference()
  reference?: Record<string, string>;
}

/** The id of what was made. */
export class IdAnswer {
  @ApiProperty()
  id: string;
}
